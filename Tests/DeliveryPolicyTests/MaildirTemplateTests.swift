import DeliveryPolicy
import MailModel
import Testing

@Suite struct MaildirTemplateTests {
    private func mailbox(_ local: String, _ domain: String = "a.test") -> Mailbox {
        Mailbox(localPart: local, domain: Domain(canonical: domain))
    }

    @Test(arguments: [
        ("/var/mail/{domain}/{local}", "/var/mail", ["a.test", "bob+tag"]),
        ("/var/mail/{domain}/{user}/Maildir", "/var/mail", ["a.test", "bob", "Maildir"]),
        ("/srv/{user}@{domain}", "/srv", ["bob@a.test"]),
        ("/srv/mail/archive", "/srv/mail", ["archive"]),
        ("/srv/.{local}.d/x", "/srv", [".bob+tag.d", "x"]),
    ]) func expands(text: String, root: String, names: [String]) throws {
        let template = try MaildirTemplate(parsing: text)
        #expect(template.root == root && template.description == text)
        // The case of a local part makes no other mailbox.
        #expect(try template.names(for: mailbox("Bob+Tag")) == names)
    }

    @Test(arguments: [
        "", "mail/{local}", "/{local}", "/mail", "/var/mail/", "/var//{local}", "/var/../{local}", "/var/./x",
        "/var/{name}", "/var/{local", "/var/local}", "/var/{}", "/var/\(String(repeating: "x", count: 256))/y",
    ]) func refusesTemplates(text: String) {
        #expect(throws: MaildirTemplate.Refusal.self) { try MaildirTemplate(parsing: text) }
    }

    /// What a stranger may write into an address, with quotes around it.
    static let escapes = [
        "../../etc/passwd", "..", ".", "a/b", "/", "/etc", ".ssh", "a..b", "a\u{0}b", "a\nb", "\u{7F}", "",
        String(repeating: "x", count: 256), String(repeating: "é", count: 128),
    ]

    @Test(arguments: escapes) func refusesWhatIsNoFileName(local: String) throws {
        for text in ["/m/{local}", "/m/{domain}/{local}", "/m/{user}", "/m/{user}/x"] {
            let template = try MaildirTemplate(parsing: text)
            #expect(throws: MaildirTemplate.Refusal.self) { try template.names(for: mailbox(local)) }
        }
    }

    @Test func refusesDomainsAndUsersThatAreNoFileNames() throws {
        let template = try MaildirTemplate(parsing: "/m/{domain}/{user}")
        #expect(throws: MaildirTemplate.Refusal.self) { try template.names(for: mailbox("b", "[a/../b]")) }
        #expect(throws: MaildirTemplate.Refusal.self) { try template.names(for: mailbox("+tag")) }
        #expect(try template.names(for: mailbox("b+../../x", "[127.0.0.1]")) == ["[127.0.0.1]", "b"])
    }

    /// No local part whatever leads to more or other names than there are components.
    @Test func namesStayNames() throws {
        let template = try MaildirTemplate(parsing: "/m/{domain}/{user}-{local}")
        var random = SystemRandomNumberGenerator()
        let letters = Array("./\\+a~\u{0}\n ä")
        for _ in 0..<5000 {
            let local = String((0..<Int.random(in: 0...6, using: &random)).compactMap { _ in letters.randomElement() })
            guard let names = try? template.names(for: mailbox(local)) else { continue }  // refused, as it should be
            #expect(names.count == 2)
            #expect(names.allSatisfy { !$0.contains("/") && !$0.contains("\u{0}") && $0 != "." && $0 != ".." })
        }
    }
}
