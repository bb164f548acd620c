"""The least sender: POSTs replies to a sink, 64 in flight. `client.py URL COUNT` prints its CPU seconds for that."""

import asyncio
import sys
import time

import aiohttp
import uvloop

URL, COUNT = sys.argv[1], int(sys.argv[2])


async def main() -> None:
    numbers = iter(range(COUNT))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=64)) as http:

        async def send() -> None:
            for number in numbers:
                reply = {
                    "id": f"bare-{number}",
                    "from": "shop",
                    "to": f"person-{number}",
                    "text": "Thank you, it is on",
                }
                async with http.post(URL, json=reply) as answer:
                    await answer.read()

        before_s = time.process_time()
        await asyncio.gather(*(send() for _ in range(64)))
        print(time.process_time() - before_s)


uvloop.run(main())
