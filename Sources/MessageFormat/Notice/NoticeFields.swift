internal import MailModel
internal import NIOCore

/// The message/delivery-status part of a notice (RFC 3464 §2): per-message fields, then a group for each recipient.
struct NoticeFields {
    private let notice: DeliveryStatusNotice

    init(_ notice: DeliveryStatusNotice) { self.notice = notice }

    func write() -> ByteBuffer {
        var writer = FieldWriter(into: ByteBuffer())
        if let envelopeID = notice.envelopeID {
            writer.field("Original-Envelope-Id", FieldText.printable(envelopeID, limit: 200))
        }
        writer.field("Reporting-MTA", "dns; \(FieldText.printable(notice.host, limit: 255))")
        if let client = notice.receivedFrom {
            writer.field("Received-From-MTA", "dns; \(FieldText.printable(client, limit: 255))")
        }
        writer.field("Arrival-Date", notice.arrival.mailDate)
        for recipient in notice.recipients {
            writer.end()
            write(recipient, to: &writer)
        }
        return writer.finish()
    }

    private func write(_ recipient: DeliveryStatusNotice.Recipient, to writer: inout FieldWriter) {
        if let original = recipient.originalRecipient {
            writer.field("Original-Recipient", Self.typed(original))
        }
        writer.field(
            "Final-Recipient",
            Self.typed(recipient.mailbox.needsSMTPUTF8 ? "utf-8" : "rfc822", recipient.mailbox.description))
        writer.field("Action", recipient.action.rawValue)
        writer.field("Status", recipient.statusCode)
        if let host = recipient.remoteHost {
            writer.field("Remote-MTA", "dns; \(Self.name(of: host))")
        }
        if let reply = recipient.reply {
            writer.field("Diagnostic-Code", "smtp; \(FieldText.printable(reply.description, limit: 1000))")
        } else if let reason = recipient.reason {
            writer.field("Diagnostic-Code", "X-Apus; \(FieldText.printable(reason, limit: 1000))")
        }
        if let time = recipient.lastAttempt { writer.field("Last-Attempt-Date", time.mailDate) }
        if recipient.action == .delayed, let time = recipient.willRetryUntil {
            writer.field("Will-Retry-Until", time.mailDate)
        }
    }

    /// A host that is known by its address alone is named by an address literal, as in EHLO (RFC 5321 §4.1.3).
    private static func name(of host: String) -> String {
        guard let address = IPAddress(host) else { return FieldText.printable(host, limit: 255) }
        return address.isIPv6 ? "[IPv6:\(address)]" : "[\(address)]"
    }

    /// - Parameter original: `addr-type;address`.
    private static func typed(_ original: String) -> String {
        let parts = original.split(separator: ";", maxSplits: 1)
        guard parts.count == 2 else { return typed("unknown", original) }
        return typed(FieldText.printable(String(parts[0]), limit: 64), String(parts[1]))
    }

    /// A part without the UTF-8 that message/delivery-status does not allow: the type `utf-8` has its own way to
    /// write other characters (utf-8-addr-xtext, RFC 6533 §3).
    private static func typed(_ type: String, _ address: String) -> String {
        guard type.lowercased() == "utf-8" else { return "\(type); \(FieldText.printable(address, limit: 500))" }
        var text = ""
        for scalar in address.unicodeScalars.prefix(500) {
            if scalar.value > 0x20, scalar.value < 0x7F, scalar != "\\", scalar != "+", scalar != "=" {
                text.unicodeScalars.append(scalar)
            } else {
                text += "\\x{\(String(scalar.value, radix: 16, uppercase: true))}"
            }
        }
        return "\(type); \(text)"
    }
}
