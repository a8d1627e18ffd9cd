import DeliveryPolicy
import MailModel
import Testing

/// transport(5) of Postfix and mailertable of Sendmail.
@Suite struct TransportTableTests {
    private static let reading = TransportTable.read(
        Array(
            """
            relay.test      smtp:[10.0.0.1]:2525
            .relay.test     relay:[mx.relay.test]
            deep.relay.test :
            mx.test         smtp:other.test:26
            sendmail.test   esmtp:[192.0.2.1]
            both.test       relay:[a.test]:25, [2001:db8::1]
            gone.test       error:5.1.2 this domain is closed
            closed.test     error:closed
            later.test      retry:4.3.0 come back
            void.test       discard:anything
            own.test        relay:
            box.test        lmtp:unix:/run/dovecot/lmtp
            net.test        lmtp:inet:127.0.0.1:24
            *               smtp:[smart.test]:submission
            """.utf8), entryLimit: 100)

    private static func relay(_ name: String, _ port: Int?) -> TransportHost {
        let host: TransportHost.Host = IPAddress(name).map { .address($0) } ?? .name(Domain(canonical: name))
        return TransportHost(host: host, port: port)
    }

    @Test(arguments: [
        ("relay.test", TransportAction.relay([relay("10.0.0.1", 2525)])),
        ("x.y.relay.test", .relay([relay("mx.relay.test", nil)])), ("deep.relay.test", .mx(nil, port: nil)),
        ("mx.test", .mx(Domain(canonical: "other.test"), port: 26)),
        ("sendmail.test", .relay([relay("192.0.2.1", nil)])),
        ("both.test", .relay([relay("a.test", 25), relay("2001:db8::1", nil)])),
        ("gone.test", .fail(Reply(550, StatusDetail(1, 2), "this domain is closed"))),
        ("closed.test", .fail(Reply(550, StatusDetail(4, 4), "closed"))),
        ("later.test", .fail(Reply(450, StatusDetail(3, 0), "come back"))), ("void.test", .discard),
        ("box.test", .lmtpSocket("/run/dovecot/lmtp")), ("net.test", .lmtp(relay("127.0.0.1", 24))),
        ("own.test", .mx(nil, port: nil)), ("else.test", .relay([relay("smart.test", 587)])),
        ("sub.mx.test", .relay([relay("smart.test", 587)])),
    ])
    func routes(domain: String, action: TransportAction) {
        #expect(Self.reading.problems == [])
        #expect(Self.reading.table.action(for: Domain(canonical: domain)) == action)
    }

    @Test(arguments: [
        ("a@b.test smtp:[x]", "is one address"), ("b.test local:", "names local"),
        ("b.test lmtp:unix:private/x", "no absolute path"),
        ("b.test lmtp:[x]:25", "no host for LMTP"),
        ("b.test nothing", "has no colon"), ("b.test frob:x", "does not know"),
        ("b.test smtp:[x]:99999", "has no host in"),
        ("b.test smtp:a,b", "without [brackets]"), ("b.test smtp:[0.0.0.0]", "has no host in"),
        ("b.test smtp:[x", "has no host in"),
    ])
    func refusals(line: String, message: String) {
        let reading = TransportTable.read(Array(line.utf8), entryLimit: 9)
        #expect(reading.errors.map(\.line) == [1])
        #expect(reading.errors.first?.message.contains(message) == true, "\(reading.errors)")
    }
}
