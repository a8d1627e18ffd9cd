"""Reads a DSN from standard input with Python's email package and prints what it says as JSON."""
import email
import email.policy
import json
import sys

message = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.SMTP)
parts = list(message.iter_parts())
groups = [dict((k.lower(), str(v)) for k, v in group.items()) for group in parts[1].get_payload()]
returned = parts[2] if len(parts) > 2 else None
print(
    json.dumps(
        {
            "type": message.get_content_type(),
            "report_type": message.get_param("report-type") or "",
            "from": str(message["From"]),
            "to": str(message["To"]),
            "auto_submitted": str(message["Auto-Submitted"]),
            "parts": [part.get_content_type() for part in parts],
            "message": groups[0],
            "recipients": groups[1:],
            "returned": "" if returned is None else returned.as_bytes().decode("utf-8", "replace"),
            "defects": [str(defect) for part in message.walk() for defect in part.defects],
        }
    )
)
