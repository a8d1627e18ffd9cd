"""A receiving server of aiosmtpd: aio_sink.py PORT DIRECTORY [CERTIFICATE KEY | --lmtp].

Writes each message to DIRECTORY/NUMBER.eml and prints a line of JSON about its envelope.
"""
import asyncio
import json
import pathlib
import signal
import ssl
import sys

from aiosmtpd.controller import Controller
from aiosmtpd.lmtp import LMTP

port, directory = int(sys.argv[1]), pathlib.Path(sys.argv[2])


class Handler:
    count = 0

    async def handle_DATA(self, server, session, envelope):
        (directory / f"{self.count}.eml").write_bytes(envelope.original_content)
        self.count += 1
        facts = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "utf8": envelope.smtp_utf8,
            "tls": session.ssl is not None,
        }
        print(json.dumps(facts), flush=True)
        return "250 2.0.0 taken"


class LocalHandler(Handler):
    """LMTP (RFC 2033): a reply for each recipient, as one text that aiosmtpd sends as it is."""

    refused = False

    async def handle_DATA(self, server, session, envelope):
        await super().handle_DATA(server, session, envelope)
        replies = []
        for recipient in envelope.rcpt_tos:
            is_full = recipient.startswith("full@") and not self.refused
            self.refused = self.refused or is_full
            replies.append(f"452 4.2.2 {recipient} is full" if is_full else f"250 2.0.0 {recipient} taken")
        return "\r\n".join(replies)


async def serve_lmtp():
    # The runner of tests blocks signals, which children inherit.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM, signal.SIGINT])
    loop = asyncio.get_running_loop()
    done = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, done.set)
    handler = LocalHandler()
    server = await loop.create_server(lambda: LMTP(handler, decode_data=False, loop=loop), "127.0.0.1", port)
    print("listening", flush=True)
    await done.wait()
    server.close()


if sys.argv[3:] == ["--lmtp"]:
    asyncio.run(serve_lmtp())
    sys.exit(0)

context = None
if len(sys.argv) > 3:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[3], sys.argv[4])
controller = Controller(
    Handler(), hostname="127.0.0.1", port=port, enable_SMTPUTF8=True, decode_data=False, tls_context=context
)
controller.start()
print("listening", flush=True)
signal.sigwait([signal.SIGTERM, signal.SIGINT])
controller.stop()
