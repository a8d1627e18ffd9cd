"""Sends one message with Python's smtplib: send.py PORT FROM TO FILE [SMTPUTF8]."""
import smtplib
import sys

port, sender, recipient, path = sys.argv[1:5]
options = ["BODY=8BITMIME"] + sys.argv[5:]
with open(path, "rb") as file:
    content = file.read()
with smtplib.SMTP("127.0.0.1", int(port), timeout=20) as client:
    client.ehlo("smtplib.test")
    client.sendmail(sender, [recipient], content, mail_options=options)
