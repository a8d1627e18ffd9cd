import ArgumentParser
import Foundation
import MailModel
import NIOHTTP1
import NodeRuntime
import Sender
import Spool

struct WhyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "why", abstract: "Tells what a queued message waits for, and until when.")

    @OptionGroup var node: NodeOptions
    @Argument(help: "Queue ID.")
    var id: String

    func run() async throws {
        let id = try queueID(id)
        let answers = try await node.ask(.GET, "/admin/v1/messages/\(id)/why") { data in
            try JSONDecoder().decode([WhyAnswer].self, from: data)
        } spool: { spool, configuration in
            try await OfflineQueue(spool: spool, configuration).why(id)
        }
        guard !answers.isEmpty else { throw Exit.saying("\(id) is not in the queue", Exit.no) }
        for answer in answers {
            if node.json {
                say(try NodeOptions.line(answer))
            } else {
                let until = answer.until.map { ", until \($0)" } ?? ""
                say("\(answer.queueID)/\(answer.part) to \(answer.recipients.joined(separator: ", "))")
                let gate = answer.gate == answer.state ? answer.gate : "\(answer.state): \(answer.gate)"
                say("  \(gate): \(answer.value)\(until)")
            }
        }
    }
}
