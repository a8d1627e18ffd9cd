import DeliveryPolicy
import MailModel
import Testing

/// What large hosts and common servers write, and what must follow.
struct ReplyRulesTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var stage: Failure.Stage
        var code: UInt16
        var detail: StatusDetail?
        var text: String
        var step: Disposition.Step
        var scope: Disposition.Scope
        var errorClass: ErrorClass
        var bounceClass: BounceClass

        var testDescription: String { "\(stage) \(code) \(text.prefix(60))" }

        init(
            _ stage: Failure.Stage, _ reply: String, _ step: Disposition.Step, _ scope: Disposition.Scope,
            _ errorClass: ErrorClass, _ bounceClass: BounceClass
        ) {
            let words = reply.split(separator: " ", maxSplits: 2)
            let digits = words[1].split(separator: ".")
            (self.stage, code) = (stage, UInt16(words[0]) ?? 0)
            if digits.count == 3, let subject = UInt16(digits[1]), let number = UInt16(digits[2]) {
                detail = StatusDetail(subject, number)
                text = String(words[2])
            } else {
                text = String(reply.dropFirst(4))
            }
            (self.step, self.scope) = (step, scope)
            (self.errorClass, self.bounceClass) = (errorClass, bounceClass)
        }
    }

    static let recipients: [Case] = [
        // Gmail
        Case(
            .rcpt, "550 5.1.1 The email account that you tried to reach does not exist. Please try double-checking",
            .fail, .recipient, .other, .badMailbox),
        Case(
            .rcpt, "550 5.2.1 The email account that you tried to reach is disabled. https://support.google.com",
            .fail, .recipient, .other, .inactiveMailbox),
        Case(
            .rcpt, "452 4.2.2 The recipient's inbox is out of storage space and inactive.", .defer, .recipient, .quota,
            .quotaIssues),
        Case(
            .rcpt, "552 5.2.2 The email account that you tried to reach is over quota.", .fail, .recipient, .quota,
            .quotaIssues),
        Case(
            .rcpt, "450 4.2.1 The user you are trying to contact is receiving mail too quickly.", .defer, .recipient,
            .rcpt4xx, .inactiveMailbox),
        // Outlook
        Case(
            .rcpt, "550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302).", .fail, .recipient,
            .other, .badMailbox),
        Case(
            .rcpt, "550 5.4.1 Recipient address rejected: Access denied. AS(201806281)", .fail, .recipient, .other,
            .badMailbox),
        Case(
            .rcpt, "550 5.7.1 Service unavailable, Client host [192.0.2.1] blocked using Spamhaus.", .fail, .recipient,
            .other, .spamRelated),
        // Yahoo
        Case(
            .rcpt, "554 delivery error: dd This user doesn't have a yahoo.com account (joe@yahoo.com) [0]", .fail,
            .recipient, .other, .badMailbox),
        Case(
            .rcpt, "554 30 Sorry, your message to a@aol.com cannot be delivered. This mailbox is disabled (554.30).",
            .fail, .recipient, .other, .inactiveMailbox),
        // Postfix, Exim, Postgrey, others
        Case(
            .rcpt, "550 5.1.1 <a@b.test>: Recipient address rejected: User unknown in virtual mailbox table", .fail,
            .recipient, .other, .badMailbox),
        Case(
            .rcpt, "450 4.2.0 <a@b.test>: Recipient address rejected: Greylisted, see http://postgrey.test", .defer,
            .recipient, .greylisting, .other),
        Case(.rcpt, "451 4.7.1 Please try again later", .defer, .recipient, .greylisting, .policyRelated),
        Case(.rcpt, "451 Greylisting in action, come back in 300 s", .defer, .recipient, .greylisting, .other),
        Case(.rcpt, "454 4.7.1 <a@b.test>: Relay access denied", .defer, .recipient, .rcpt4xx, .relayingIssues),
        Case(
            .rcpt, "450 4.7.1 Client host rejected: cannot find your reverse hostname, [192.0.2.1]", .defer,
            .recipient, .rcpt4xx, .policyRelated),
        Case(.rcpt, "554 5.7.1 <a@b.test>: Relay access denied", .fail, .recipient, .other, .relayingIssues),
        Case(.rcpt, "550 relay not permitted", .fail, .recipient, .other, .relayingIssues),
        Case(.rcpt, "550 unrouteable address", .fail, .recipient, .other, .badMailbox),
        Case(.rcpt, "550 5.1.1 Access blocked, see our blocklist", .fail, .recipient, .other, .spamRelated),
        Case(.rcpt, "550 5.1.2 No such domain here", .fail, .recipient, .other, .badDomain),
        Case(.rcpt, "452 4.5.3 Too many recipients", .defer, .recipient, .rcpt4xx, .other),
        Case(.rcpt, "552 too many recipients", .defer, .recipient, .rcpt4xx, .quotaIssues),
        Case(.rcpt, "552 mailbox full", .defer, .recipient, .quota, .quotaIssues),
        Case(.rcpt, "550 something unheard of", .fail, .recipient, .other, .other),
        Case(.rcpt, "551 User not local; please try <b@c.test>", .fail, .recipient, .other, .badMailbox),
        Case(.rcpt, "556 no mail here", .fail, .recipient, .other, .badDomain),
        Case(.rcpt, "550 5.1.1 <spam@b.test>: user unknown", .fail, .recipient, .other, .badMailbox),
        Case(.rcpt, "501 5.1.3 Bad recipient address syntax", .fail, .recipient, .other, .badMailbox),
        Case(.rcpt, "503 bad sequence of commands", .fail, .recipient, .other, .protocolErrors),
    ]

    static let messages: [Case] = [
        Case(
            .mail, "450 4.1.8 <a@b.test>: Sender address rejected: Domain not found", .defer, .message, .mail4xx,
            .invalidSender),
        Case(
            .mail, "550 5.1.8 <a@b.test>: Sender address rejected: Domain not found", .fail, .message, .other,
            .invalidSender),
        Case(.mail, "452 4.3.1 Insufficient system storage", .defer, .message, .quota, .quotaIssues),
        Case(.mail, "552 5.3.4 Message size exceeds fixed limit", .fail, .message, .other, .contentRelated),
        Case(.mail, "553 sender not ours", .fail, .message, .other, .invalidSender),
        Case(
            .mail, "451 4.7.650 The mail server [192.0.2.1] has been temporarily rate limited due to IP reputation.",
            .defer, .message, .mail4xx, .spamRelated),
        // Gmail, after the dot
        Case(
            .acknowledgement, "550 5.7.26 This mail has been blocked because the sender is unauthenticated.", .fail,
            .message, .other, .policyRelated),
        Case(
            .acknowledgement, "550 5.7.1 Our system has detected that this message is likely unsolicited mail.", .fail,
            .message, .other, .spamRelated),
        Case(
            .acknowledgement,
            "552 5.7.0 This message was blocked because its content presents a potential security issue.",
            .fail, .message, .other, .contentRelated),
        Case(.acknowledgement, "554 5.7.1 Virus found: Eicar-Test", .fail, .message, .other, .virusRelated),
        Case(.acknowledgement, "451 4.3.0 try later", .defer, .message, .data4xx, .other),
        Case(.acknowledgement, "451 4.7.1 Greylisted by milter", .defer, .message, .greylisting, .policyRelated),
        Case(.acknowledgement, "554 5.4.6 Too many hops", .fail, .message, .other, .routingErrors),
        Case(.data, "554 no thanks", .fail, .message, .other, .other),
        Case(.data, "451 busy", .defer, .message, .data4xx, .other),
        Case(.content, "552 message too large", .fail, .message, .other, .contentRelated),
    ]

    static let sessions: [Case] = [
        Case(.greeting, "554 5.7.1 You are on our blacklist", .defer, .session, .refused, .spamRelated),
        Case(.greeting, "554 IMTA no", .defer, .session, .refused, .badConnection),
        Case(.greeting, "521 does not accept mail", .defer, .session, .refused, .badConnection),
        Case(.greeting, "450 busy", .defer, .session, .refused, .badConnection),
        Case(.ehlo, "550 5.7.1 HELO command rejected: Host not found", .defer, .session, .refused, .policyRelated),
        Case(.ehlo, "502 what", .defer, .session, .refused, .protocolErrors),
        Case(.auth, "535 5.7.8 Username and Password not accepted", .defer, .session, .authFailed, .badConfiguration),
        Case(.mail, "530 5.7.0 Must issue a STARTTLS command first", .defer, .session, .tlsRequired, .policyRelated),
        Case(.mail, "530 Authentication required", .defer, .session, .mail4xx, .badConfiguration),
        Case(
            .mail,
            "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. ... on our block list (S3150).",
            .defer, .session, .mail4xx, .spamRelated),
        Case(
            .mail,
            "553 5.7.2 [TSS09] All messages from 192.0.2.1 will be permanently deferred; Retrying will NOT succeed.",
            .defer, .session, .mail4xx, .policyRelated),
        Case(
            .mail, "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume", .defer,
            .session, .mail4xx, .policyRelated),
        Case(.greeting, "421 too many connections", .defer, .session, .refused, .policyRelated),
        Case(.rcpt, "421 4.3.2 closing", .defer, .session, .rcpt4xx, .badConnection),
        Case(
            .acknowledgement, "421 4.7.28 Our system has detected an unusual rate of unsolicited mail", .defer,
            .session, .data4xx, .spamRelated),
    ]

    @Test(arguments: recipients + messages + sessions)
    func judges(_ row: Case) {
        let reply = Reply(row.code, row.detail, row.text)
        let failure = Failure(stage: row.stage, cause: .reply(reply), text: "")
        let disposition = FailurePolicy.disposition(of: failure, in: FailurePolicy.Context(isLastHost: true))
        #expect(disposition.step == row.step)
        #expect(disposition.scope == row.scope)
        #expect(disposition.errorClass == row.errorClass)
        #expect(disposition.bounceClass == row.bounceClass)
        #expect(disposition.status == reply)
        #expect(!disposition.isAmbiguous)
    }

    @Test(arguments: sessions)
    func sessionsGoElsewhereFirst(_ row: Case) {
        let failure = Failure(stage: row.stage, cause: .reply(Reply(row.code, row.detail, row.text)), text: "")
        let more = FailurePolicy.Context(isLastHost: false, isLastSource: false)
        #expect(FailurePolicy.disposition(of: failure, in: more).step == .nextHost)
        let otherSources = FailurePolicy.Context(isLastHost: true, isLastSource: false)
        let triesSources = row.code >= 500
        #expect(FailurePolicy.disposition(of: failure, in: otherSources).step == (triesSources ? .nextSource : .defer))
        let effects = FailurePolicy.disposition(of: failure, in: more).effects
        #expect(effects.isSuperset(of: [.slowLane, .closesConnection]))
        #expect(!effects.contains(.hostUnusable))
    }

    @Test(arguments: recipients + messages)
    func messagesStay(_ row: Case) {
        let failure = Failure(stage: row.stage, cause: .reply(Reply(row.code, row.detail, row.text)), text: "")
        let more = FailurePolicy.Context(isLastHost: false, isLastSource: false)
        #expect(FailurePolicy.disposition(of: failure, in: more).step == row.step)
    }

    @Test func throttlingSlowsTheLane() {
        let failure = Failure(
            stage: .rcpt, cause: .reply(Reply(450, StatusDetail(2, 1), "is receiving mail too quickly")), text: "")
        #expect(FailurePolicy.disposition(of: failure, in: .init(isLastHost: true)).effects == .slowLane)
    }

    @Test func lmtpAnswersForEachRecipient() {
        let failure = Failure(stage: .acknowledgement, cause: .reply(Reply(552, StatusDetail(2, 2), "full")), text: "")
        #expect(FailurePolicy.disposition(of: failure, in: .init(isLastHost: true, isLMTP: true)).scope == .recipient)
    }

    @Test func positiveReplyOutOfPlaceIsAViolation() {
        let failure = Failure(stage: .data, cause: .reply(Reply(250, nil, "ok")), text: "no 354")
        let disposition = FailurePolicy.disposition(of: failure, in: .init(isLastHost: true))
        #expect(disposition.bounceClass == .protocolErrors)
        #expect(disposition.status == Reply(451, StatusDetail(5, 0), "no 354"))
        #expect(disposition.step == .defer)
    }
}
