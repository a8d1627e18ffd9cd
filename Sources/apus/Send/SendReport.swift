import ArgumentParser
import Foundation
import MailModel
import NIOCore
import SMTPProtocol
import Synchronization

/// Prints what became of each message and knows how the command ends. Shared by all sessions.
final class SendReport: Sendable {
    private struct State {
        var sent = 0
        var accepted = 0
        var hasRefusal = false
        var hasDeferral = false
        var sessionFailure: ExitCode?
    }

    private let server: HostEndpoint
    private let recipients: [Recipient]
    private let isJSON: Bool
    /// Prints every message, not only those refused.
    private let isDetailed: Bool
    private let state = Mutex(State())

    init(server: HostEndpoint, recipients: [Recipient], isJSON: Bool, isDetailed: Bool) {
        self.server = server
        self.recipients = recipients
        self.isJSON = isJSON
        self.isDetailed = isDetailed
    }

    func finished(_ result: TransactionResult, uniqueID: String?) {
        let failures = result.perRecipient.compactMap(\.failure)
        state.withLock { state in
            state.sent += 1
            if failures.isEmpty { state.accepted += 1 }
            for failure in failures {
                if Self.isPermanent(failure) { state.hasRefusal = true } else { state.hasDeferral = true }
            }
        }
        if isJSON {
            printJSON(result, uniqueID)
        } else if isDetailed || !failures.isEmpty {
            printText(result)
        }
    }

    /// The session did not come as far as a message.
    func sessionFailed(_ failure: Failure) {
        let code =
            switch failure.reply?.replyClass {
            case .transient: Exit.tryAgain
            case .permanent: Exit.no
            default: Exit.unreachable
            }
        let isFirst = state.withLock { state in
            defer { state.sessionFailure = state.sessionFailure ?? code }
            return state.sessionFailure == nil
        }
        guard isFirst else { return }
        let reason =
            switch failure.cause {
            case .reply(let reply): "refused the session: \(reply)"
            case .connectionRefused: "nothing listens there (connection refused)"
            case .timeout where failure.stage == .connect: "no answer to the attempt to connect"
            default: failure.text
            }
        _ = Exit.saying("send: \(server) (\(failure.stage.rawValue)): \(reason)", code)
    }

    func warn(_ text: String) { ToolFile.standardError.say("apus: send: \(text)") }

    /// - Parameter count: Messages that were to be sent.
    /// - Returns: `nil` when every recipient of every message was accepted.
    func end(count: Int, elapsed: Duration) -> ExitCode? {
        let state = state.withLock { $0 }
        if count > 1 {
            let milliseconds = max(1, elapsed.wholeMilliseconds)
            let rate = Int64(state.sent) * 1000 / milliseconds
            let unsent = state.sent < count ? ", \(count - state.sent) not sent" : ""
            let text = """
                \(state.sent) messages sent, \(state.accepted) accepted for all recipients\(unsent), \
                in \(milliseconds / 1000).\(milliseconds / 100 % 10) s (\(rate)/s)
                """
            if isJSON { warn(text) } else { ToolFile.standardOutput.say(text) }
        }
        if state.hasRefusal { return Exit.no }
        if state.hasDeferral { return Exit.tryAgain }
        return state.sent < count ? state.sessionFailure ?? Exit.unreachable : nil
    }

    /// What another try cannot change.
    private static func isPermanent(_ failure: Failure) -> Bool {
        switch failure.cause {
        case .reply(let reply): reply.replyClass == .permanent
        case .missingExtension, .tooLarge, .local: true
        default: false
        }
    }

    private func printText(_ result: TransactionResult) {
        if let first = result.perRecipient.first, result.perRecipient.allSatisfy({ $0 == first }) {
            return ToolFile.standardOutput.say(Self.text(first))
        }
        for (recipient, one) in zip(recipients, result.perRecipient) {
            ToolFile.standardOutput.say("\(recipient.mailbox): \(Self.text(one))")
        }
    }

    private static func text(_ result: RecipientResult) -> String {
        switch result {
        case .delivered(let reply): return "accepted: \(reply)"
        case .failed(let failure):
            let word = isPermanent(failure) ? "refused" : "refused for now"
            return "\(word) at \(failure.stage.rawValue): \(failure.reply?.description ?? failure.text)"
        }
    }

    private func printJSON(_ result: TransactionResult, _ uniqueID: String?) {
        for (recipient, one) in zip(recipients, result.perRecipient) {
            var json = JSONObjectWriter(into: ByteBuffer())
            let reply: Reply? =
                switch one {
                case .delivered(let reply): reply
                case .failed(let failure): failure.reply
                }
            json.field("accepted", one.failure == nil)
            json.field("recipient", recipient.mailbox.description)
            json.field("queue_id", one.failure == nil ? reply.flatMap(Self.queueID) : nil)
            json.field("unique_id", uniqueID)
            json.field("stage", one.failure?.stage.rawValue)
            json.object("reply") { json in
                guard let reply else { return }
                json.field("code", Int(reply.code))
                json.field("enhanced", reply.enhanced)
                json.field("text", reply.text)
            }
            if reply == nil { json.field("error", one.failure?.text) }
            ToolFile.standardOutput.say(json.finish())
        }
    }

    /// `queued as X`, as Apus and others write it.
    private static func queueID(_ reply: Reply) -> String? {
        guard let range = reply.text.range(of: "queued as ", options: .caseInsensitive) else { return nil }
        return reply.text[range.upperBound...].split(separator: " ").first.map(String.init)
    }
}
