"""The fault campaign and the crash sweep: `make faults`.

schedule   what strikes when, from a seed         people, customers, inbox   who writes, who answers
hub, stage the process that lives and dies        books, verdict             what each side saw; what differs
run        one run, from start to verdict         sweep                      every step, one at a time
"""
