import DequeModule
import MailModel
import NIOCore

/// Answers to final dots that wait for the spool, oldest first: after `reply_within` they become 451. Loop-bound.
final class HeldReplies {
    final class Held {
        fileprivate var promise: EventLoopPromise<Reply>?
        let deadline: NIODeadline

        fileprivate init(_ promise: EventLoopPromise<Reply>, deadline: NIODeadline) {
            self.promise = promise
            self.deadline = deadline
        }

        /// - Returns: `false` when the client has been answered 451 already.
        func answer(_ reply: Reply) -> Bool {
            guard let promise else { return false }
            self.promise = nil
            promise.succeed(reply)
            return true
        }
    }

    private let loop: any EventLoop
    private let limit: TimeAmount
    private var held: Deque<Held> = []
    private var timer: Scheduled<Void>?

    init(loop: any EventLoop, limit: TimeAmount) {
        self.loop = loop
        self.limit = limit
    }

    func hold(_ promise: EventLoopPromise<Reply>) -> Held {
        while let first = held.first, first.promise == nil { held.removeFirst() }
        let reply = Held(promise, deadline: .now() + limit)
        held.append(reply)
        if timer == nil { arm(at: reply.deadline) }
        return reply
    }

    private func arm(at deadline: NIODeadline) {
        timer = loop.assumeIsolated().scheduleTask(deadline: deadline) { self.expire() }
    }

    private func expire() {
        timer = nil
        let now = NIODeadline.now()
        while let first = held.first, first.promise == nil || first.deadline <= now {
            held.removeFirst()
            _ = first.answer(Reply(451, StatusDetail(3, 0), "the spool does not answer; try again later"))
        }
        if let first = held.first { arm(at: first.deadline) }
    }
}
