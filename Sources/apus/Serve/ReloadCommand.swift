import ArgumentParser
import Foundation
import NIOHTTP1
import NodeRuntime

struct ReloadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload", abstract: "Tells a node to read its configuration again, as SIGHUP does.",
        discussion: """
            A file that is wrong changes nothing. Keys that are fixed while a node runs are named; they wait for its next
            start.
            """)
    @OptionGroup var node: NodeOptions

    private struct Answer: Decodable {
        let needsRestart: [String]
        enum CodingKeys: String, CodingKey { case needsRestart = "needs_restart" }
    }

    func run() async throws {
        guard let reply = try await NodeClient(bases: node.bases()).request(.POST, "/admin/v1/reload") else {
            throw Exit.saying("no node answers", Exit.unreachable)
        }
        let answer: Data
        do {
            answer = try NodeClient.body(reply)
        } catch  where reply.status == 422 {
            throw Exit.configuration
        }
        if node.json { return say(String(decoding: answer, as: UTF8.self)) }
        say("reloaded")
        let keys = try JSONDecoder().decode(Answer.self, from: answer).needsRestart
        if !keys.isEmpty { say("waiting for a restart: \(keys.joined(separator: ", "))") }
    }
}
