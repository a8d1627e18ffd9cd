"""A receiving server of aiosmtpd: aio_sink.py PORT DIRECTORY [CERTIFICATE KEY].

Writes each message to DIRECTORY/NUMBER.eml and prints a line of JSON about its envelope.
"""
import json
import pathlib
import signal
import ssl
import sys

from aiosmtpd.controller import Controller

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
