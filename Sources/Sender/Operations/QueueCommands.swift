import MailModel
package import Spool

/// Puts operators' commands into `control` and collects the answers of the nodes.
package struct QueueCommands: Sendable {
    private let spool: any Spool

    package init(spool: any Spool) { self.spool = spool }

    /// - Parameters:
    ///   - change: Sets what only some actions have.
    ///   - wait: How long answers are waited for; the first ends the wait, as each partition has one owner and a single
    ///     node owns all.
    package func issue(
        _ action: QueueCommand.Action, _ selector: QueueSelector, actor: String, reason: String?,
        change: (inout QueueCommand) -> Void = { _ in }, wait: Duration
    ) async throws -> CommandAnswer {
        let now = Timestamp.now()
        var random = SystemRandomNumberGenerator()
        let id = QueueID(time: now, using: &random)
        var command = QueueCommand(
            id: id, action: action, selector: selector, issued: now, actor: actor, reason: reason)
        change(&command)
        let stream = try await spool.follow(.control, from: .end)
        defer { stream.close() }
        let written: Result<[Position], SpoolError> = await withCheckedContinuation { continuation in
            spool.append([SpoolRecord(.command(command))]) { continuation.resume(returning: $0) }
        }
        _ = try written.get()
        guard wait > .zero else { return CommandAnswer(command: id.description, answers: []) }
        let answers = try await firstAnswers(to: id, on: stream, within: wait)
        return CommandAnswer(command: id.description, answers: answers)
    }

    private func firstAnswers(
        to id: QueueID, on stream: any RecordStream, within wait: Duration
    ) async throws -> [CommandAnswer.Node] {
        let timer = Task {
            try await Task.sleep(for: wait)
            stream.close()
        }
        defer { timer.cancel() }
        while true {
            let records = try await stream.next(wait: true)
            if records.isEmpty { return [] }
            var answers: [CommandAnswer.Node] = []
            for record in records {
                guard let value = record.value, case .answer(let answer) = try ControlRecord(decoding: value),
                    answer.command == id
                else { continue }
                answers.append(.init(node: answer.node, matched: answer.matched))
            }
            if !answers.isEmpty { return answers }
        }
    }
}
