package import NIOCore

extension DeliveryEvent {
    /// Appends the event as one JSON object without a line end; fields without a value are left out.
    package func writeJSON(into buffer: inout ByteBuffer) {
        var json = JSONObjectWriter(into: buffer)
        buffer = ByteBuffer()  // one owner of the storage, so that writing never copies it
        json.field("event_id", eventID)
        json.field("type", type.rawValue)
        json.field("time", time.description)
        json.field("queue_id", queueID?.description)
        json.field("part", part)
        json.field("message_id", messageID)
        json.field("envelope_id", envelopeID)
        json.field("reverse_path", reversePath)
        json.field("recipient", recipient)
        json.field("orcpt", originalRecipient)
        json.field("domain", domain)
        json.field("site", site)
        json.field("provider", provider)
        json.field("route", route)
        json.field("protocol", self.protocol)
        json.field("source", source)
        json.field("source_address", sourceAddress)
        json.field("pool", pool)
        json.field("tenant", tenant)
        json.field("campaign", campaign)
        json.field("attempt", attempt)
        json.field("next_attempt", nextAttempt?.description)
        json.object("reply") { json in
            guard let reply else { return }
            json.field("code", Int(reply.code))
            json.field("enhanced", reply.enhanced)
            json.field("text", reply.text)
        }
        json.field("class", self.class)
        json.field("severity", severity)
        json.field("ambiguous", ambiguous)
        json.object("remote") { json in
            json.field("host", remote?.host)
            json.field("address", remote?.address)
        }
        json.object("client") { json in
            json.field("address", client?.address)
            json.field("ehlo", client?.ehlo)
            json.field("user", client?.user)
        }
        json.field("listener", listener)
        json.field("session", session)
        json.object("tls") { json in
            json.field("version", tls?.version)
            json.field("cipher", tls?.cipher)
            json.field("policy", tls?.policy)
            json.field("verified", tls?.verified)
        }
        json.field("size", size)
        json.field("node", node)
        json.field("reason", reason)
        json.field("actor", actor)
        json.object("timing") { json in
            json.field("queued_ms", timing?.queued)
            json.field("connect_ms", timing?.connect)
            json.field("transfer_ms", timing?.transfer)
        }
        buffer = json.finish()
    }
}
