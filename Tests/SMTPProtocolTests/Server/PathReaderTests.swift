import MailModel
import NIOCore
import SMTPProtocol
import Testing

@Suite struct PathReaderTests {
    private func read(_ text: String) -> (local: String, domain: String)? {
        var arena: [UInt8] = []
        var index = 0
        let bytes = Array(text.utf8)
        do throws(PathReader.Failure) {
            let path = try PathReader(limits: PathLimits()).read(bytes.span, at: &index, into: &arena)
            return (
                String(decoding: arena[path.localPart], as: UTF8.self),
                String(decoding: arena[path.domain], as: UTF8.self)
            )
        } catch {
            return nil
        }
    }

    /// What the wire lets in must be what the model lets in: records are read back by the model.
    @Test(arguments: [
        "a@b.test", "a@B.TEST", "a@b.test.", "a@b_c.test", "a@-b.test", "a@b-.test", "a@b..test", "a@.b", "a@.", "a@b",
        "a@1.2.3.4", "a@[1.2.3.4]", "a@b c", "a@b,c", "a@xn--bcher-kva.test", "a@bücher.test", "a@BÜCHER.test",
    ]) func domainsAreThoseOfTheModel(_ text: String) {
        let wire = read("<\(text)>")
        let model = Mailbox(text)
        #expect(wire?.domain == model?.domain.name)
    }

    @Test func domainLengths() {
        let label = String(repeating: "a", count: 63)
        #expect(read("<a@\(label).test>") != nil)
        #expect(read("<a@a\(label).test>") == nil)
        let long = [label, label, label].joined(separator: ".")
        #expect(read("<a@\(long).\(String(repeating: "b", count: 58))>") != nil)
        #expect(read("<a@\(long).\(String(repeating: "b", count: 62))>") == nil)
    }

    @Test func quotedLocalParts() {
        #expect(read("<\"a b\"@c.test>")?.local == "a b")
        #expect(read("<\"a\\\"b\\\\\"@c.test>")?.local == "a\"b\\")
        #expect(read("<\"a\u{7F}\"@c.test>") == nil)
        #expect(read("<\"a\\>") == nil)
        #expect(read("<\"a\"b@c.test>") == nil)
    }

    @Test(arguments: [
        ("[IPv6:::1]", true), ("[IPv6:::]", true), ("[IPv6:1:2:3:4:5:6:7:8]", true), ("[IPv6:1:2:3:4:5:6:7]", false),
        ("[IPv6:1::2::3]", false), ("[IPv6:12345::]", false), ("[IPv6:1:2:3:4:5:6:1.2.3.4]", true),
        ("[IPv6:1.2.3.4]", false), ("[IPv6:1:]", false), ("[IPv6::1]", false), ("[IPv6:]", false), ("[]", false),
        ("[1.2.3.4.5]", false), ("[1..3.4]", false), ("[0001.2.3.4]", false), ("[1.2.3.4", false),
    ]) func addressLiterals(_ text: String, isValid: Bool) {
        #expect((read("<a@\(text)>") != nil) == isValid)
    }
}
