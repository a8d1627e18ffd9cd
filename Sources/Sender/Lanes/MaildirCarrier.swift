import DeliveryPolicy
import MailModel
import Maildir
import NIOCore
import NIOPosix
import NodeRuntime
import SMTPProtocol

/// Stands in a lane where a connection to a host would: writes one message at a time into Maildirs, on a thread of
/// its own, so that a disk that hangs holds up no event loop and no other lane. Lives on its loop.
final class MaildirCarrier {
    private unowned let owner: LaneConnection
    private let loop: any EventLoop
    private let template: MaildirTemplate
    private let writer: MaildirWriter
    private let thread = NIOThreadPool(numberOfThreads: 1)
    /// Recipients of the message being written.
    private var busyWith: Int?
    private var isEnded = false
    private var began = NIODeadline.now()
    /// Messages begun.
    private(set) var transactions = 0
    private(set) var transferMilliseconds = 0

    /// - Parameter host: In the names of files.
    init(_ configuration: MaildirConfiguration, host: String, owner: LaneConnection, loop: any EventLoop) {
        self.owner = owner
        self.loop = loop
        template = configuration.template
        writer = MaildirWriter(configuration.template, creates: configuration.creates, host: host)
    }

    /// Ready at once; told later, as a connection does.
    func open() {
        thread.start()
        loop.assumeIsolated().execute { [self, owner] in if !isEnded { owner.ready() } }
    }

    var isIdle: Bool { busyWith == nil && !isEnded }

    func begin(_ transaction: OutboundTransaction) {
        precondition(isIdle, "one message is written at a time")
        busyWith = transaction.recipients.count
        transactions += 1
        began = .now()
        let done = NIOLoopBound((self, owner), eventLoop: loop)
        thread.submit { [writer, loop, template] state in
            // Cancelled where the thread ends before: nobody waits any more.
            guard state == .active else { return }
            let results = Self.write(transaction, template, writer)
            loop.execute { done.value.0.finish(results) }
        }
    }

    /// Gives up what is being written, which may end in its Maildir all the same.
    func close() {
        guard !isEnded else { return }
        isEnded = true
        thread.shutdownGracefully { _ in }
        let given = busyWith
        busyWith = nil
        // The owner is kept until it has heard the end.
        loop.assumeIsolated().execute { [owner] in
            if let given {
                let failure = Failure(stage: .acknowledgement, cause: .local, text: "the sender did not wait for it")
                let results = [RecipientResult](repeating: .failed(failure), count: given)
                owner.finished(TransactionResult(perRecipient: results, connectionUsable: false))
            }
            owner.ended(nil)
        }
    }

    private func finish(_ results: [RecipientResult]) {
        guard busyWith != nil else { return }
        busyWith = nil
        transferMilliseconds = Int((NIODeadline.now() - began).nanoseconds / 1_000_000)
        owner.finished(TransactionResult(perRecipient: results, connectionUsable: true))
    }

    /// On the thread: once for each recipient, whatever became of the others.
    private static func write(
        _ transaction: OutboundTransaction, _ template: MaildirTemplate, _ writer: MaildirWriter
    ) -> [RecipientResult] {
        let message = MaildirMessage(reversePath: transaction.reversePath, content: transaction.content)
        return transaction.recipients.map { recipient in
            do throws(MaildirTemplate.Refusal) {
                let names = try template.names(for: recipient.mailbox)
                return write(message, to: recipient.mailbox, names, writer)
            } catch {
                // RFC 3463 §3.2: the syntax of the mailbox's address.
                let reply = Reply(550, StatusDetail(1, 3), error.reason)
                return .failed(Failure(stage: .rcpt, cause: .reply(reply), text: error.reason))
            }
        }
    }

    private static func write(
        _ message: MaildirMessage, to mailbox: Mailbox, _ names: [String], _ writer: MaildirWriter
    ) -> RecipientResult {
        do throws(MaildirFailure) {
            let path = try writer.deliver(message, to: mailbox, names: names)
            return .delivered(Reply(250, StatusDetail(0, 0), "written to \(path)"))
        } catch {
            return .failed(error.failure)
        }
    }
}
