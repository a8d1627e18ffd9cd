import DeliveryPolicy
import MailModel
import Testing

@Suite struct VERPTemplateTests {
    private let id = QueueID("01ARZ3NDEKTSV4RRFFQ69G5FAV")!
    private let sender = Mailbox("list@lists.example.org")!

    private func path(_ template: String, _ recipient: String, index: Int = 3) throws -> String? {
        try VERPTemplate(parsing: template).reversePath(
            of: #require(Mailbox(recipient)), index: index, queueID: id, sender: sender)?.description
    }

    @Test(arguments: [
        ("postfix", "user@example.com", "list+user=example.com@lists.example.org"),
        (
            "b+{queue_id}={local}={domain}@bounces.example.org", "user@e.com",
            "b+01ARZ3NDEKTSV4RRFFQ69G5FAV=user=e.com@bounces.example.org"
        ),
        ("{queue_id}-{index}@b.example.org", "anybody@example.com", "01ARZ3NDEKTSV4RRFFQ69G5FAV-3@b.example.org"),
        ("{local}={domain}@{sender_domain}", "a+b=c@e.com", "a+b=c=e.com@lists.example.org"),
        ("{local}={domain}@b.example.org", "\"a b\"@e.com", "\"a b=e.com\"@b.example.org"),
    ])
    func filled(template: String, recipient: String, expected: String) throws {
        #expect(try path(template, recipient) == expected)
    }

    /// 64 octets before the @, quotes included, and 254 in all (RFC 5321 §4.5.3.1).
    @Test func whatIsTooLongIsNone() throws {
        let fits = String(repeating: "u", count: 64 - "=e.com".utf8.count)
        #expect(try path("{local}={domain}@b.example.org", "\(fits)@e.com") != nil)
        #expect(try path("{local}={domain}@b.example.org", "\(fits)u@e.com") == nil)
        let quoted = " " + fits.dropFirst(1)
        #expect(try path("{local}={domain}@b.example.org", "\"\(quoted)\"@e.com") == nil)
        let label = String(repeating: "d", count: 60)
        let long = "\(label).\(label).\(label)."
        #expect(try path("{queue_id}{index}@\(long)example", "u@e.com")?.utf8.count ?? 0 < 255)
        #expect(try path("{queue_id}{index}@\(long)\(String(repeating: "e", count: 60))", "u@e.com") == nil)
    }

    @Test(arguments: [
        ("bounce", "no address"), ("a@b@c", "no address"), ("@b.test", "no address"),
        ("bounce@b.test", "tell recipients apart"), ("{local}@b.test", "tell recipients apart"),
        ("{queue_id}@b.test", "tell recipients apart"), ("{local}={domain}@", "no domain"),
        ("{local}={domain}@{domain}", "no domain"), ("{local}={domain}@[127.0.0.1]", "no domain"),
        ("{local}={domain}@a b", "no domain"), ("{local}={domain}@x.{sender_domain}", "no domain"),
        ("{local}={domian}@b.test", "{domian}, which is none of"), ("{local={domain}@b.test", "none of"),
        ("local}={domain}@b.test", "without its other half"), ("{local}={domain@b.test", "without its other half"),
        ("{local} {domain}@b.test", "need quotes"), ("{local}\"{domain}@b.test", "need quotes"),
    ])
    func refused(template: String, reason: String) {
        let problem = #expect(throws: VERPTemplate.Problem.self) { try VERPTemplate(parsing: template) }
        #expect(problem?.reason.contains(reason) == true, "\(problem?.reason ?? "")")
    }
}
