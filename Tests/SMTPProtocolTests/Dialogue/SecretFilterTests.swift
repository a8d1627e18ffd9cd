import SMTPProtocol
import Testing

@Suite struct SecretFilterTests {
    /// `C:` and `S:` lines in, the same lines as they are shown.
    private func shown(_ lines: [String]) -> [String] {
        var filter = SecretFilter()
        return lines.map { line in
            let text = String(line.dropFirst(3))
            return line.hasPrefix("C") ? "C: \(filter.sent(text))" : "S: \(filter.received(text))"
        }
    }

    @Test func anInitialResponseIsRemoved() {
        #expect(
            shown([
                "S: 220 hi", "C: EHLO a", "S: 250 AUTH PLAIN", "C: AUTH PLAIN AGFsaWNlAHNlY3JldA==",
                "S: 235 2.7.0 welcome", "C: MAIL FROM:<a@b.test>",
            ]) == [
                "S: 220 hi", "C: EHLO a", "S: 250 AUTH PLAIN", "C: AUTH PLAIN …", "S: 235 2.7.0 welcome",
                "C: MAIL FROM:<a@b.test>",
            ])
    }

    @Test func challengesAndAnswersAreRemoved() {
        #expect(
            shown([
                "C: AUTH LOGIN", "S: 334 VXNlcm5hbWU6", "C: YWxpY2U=", "S: 334 UGFzc3dvcmQ6", "C: c2VjcmV0",
                "S: 535-5.7.8 no", "S: 535 5.7.8 really", "C: QUIT",
            ]) == [
                "C: AUTH LOGIN", "S: 334 …", "C: …", "S: 334 …", "C: …", "S: 535-5.7.8 no", "S: 535 5.7.8 really",
                "C: QUIT",
            ])
    }

    @Test func whatIsNoMechanismIsASecret() {
        #expect(shown(["C: auth c2VjcmV0cGFzc3dvcmQ= x"]) == ["C: AUTH … …"])
        #expect(shown(["C: AUTH c2VjcmV0"]) == ["C: AUTH …"])
        #expect(shown(["C: AUTH", "S: 501 what?"]) == ["C: AUTH", "S: 501 what?"])
        #expect(shown(["C: AUTH PLAIN", "S: 334", "C: *", "S: 501 cancelled"])[2] == "C: *")
    }

    @Test func aLoginInXCLIENTIsRemoved() {
        #expect(
            shown(["C: XCLIENT ADDR=192.0.2.1 login=alice NAME=a.test"]) == [
                "C: XCLIENT ADDR=192.0.2.1 login=… NAME=a.test"
            ])
    }
}
