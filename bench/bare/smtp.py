"""The least sender of mail: one kept connection, ready-made mails in turn. `smtp.py PORT USER PASSWORD COUNT`."""

import sys

import aiosmtplib
import uvloop

PORT, USER, PASSWORD, COUNT = int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
MAIL = """Date: Sun, 22 Nov 2026 10:00:00 +0000\r
Message-ID: <bare-{number}@shop.example>\r
From: Shop <{sender}>\r
To: person{number}@customer.example\r
Reply-To: Shop <{sender}>\r
Subject: Re: Order of person {number}\r
In-Reply-To: <question-{number}@customer.example>\r
References: <question-{number}@customer.example>\r
MIME-Version: 1.0\r
Content-Type: text/plain; charset="utf-8"\r
Content-Transfer-Encoding: quoted-printable\r
\r
Thank you, it is on its way.\r
"""


async def main() -> None:
    smtp = aiosmtplib.SMTP(hostname="127.0.0.1", port=PORT, use_tls=False, start_tls=False)
    async with smtp:
        await smtp.login(USER, PASSWORD)
        for number in range(COUNT):
            mail = MAIL.format(number=number, sender=USER)
            await smtp.sendmail(USER, [f"person{number}@customer.example"], mail)


uvloop.run(main())
