import ArgumentParser
import Foundation
import LocalSpool
import Logging
import NIOHTTP1
import NodeRuntime
import Spool

extension NodeOptions {
    /// Asks the node or, when none runs and none was named, the embedded spool itself.
    ///
    /// - Parameters:
    ///   - writes: The spool is opened for writing.
    ///   - missing: What the node's answer 404 means; without it, that ends the command.
    func ask<Value>(
        _ method: HTTPMethod, _ path: String, query: [URLQueryItem] = [], body: Data? = nil, writes: Bool = false,
        missing: Value? = nil, node: (Data) throws -> Value,
        spool: (LocalSpool, NodeConfiguration) async throws -> Value
    ) async throws -> Value {
        let client = NodeClient(bases: try bases())
        if let answer = try await client.request(method, path, query: query, body: body) {
            if answer.status == 404, let missing { return missing }
            return try node(try NodeClient.body(answer))
        }
        guard !namesNode else {
            throw Exit.saying("no node answers at \(client.bases.joined(separator: ", "))", Exit.unreachable)
        }
        let (configuration, _) = try Exit.load(config)
        return try await Exit.spool {
            let opened: LocalSpool
            do {
                // Commands speak for themselves: what the spool would log belongs to a node.
                let quiet = Logger(label: "spool") { _ in SwiftLogNoOpLogHandler() }
                opened = try LocalSpool.open(configuration.spool.local.spool, readOnly: !writes, logger: quiet)
            } catch let error as SpoolError where error.code == .inUse {
                throw Exit.saying(
                    "\(error.message); it does not answer at \(client.bases.joined(separator: ", "))",
                    Exit.unreachable)
            }
            do {
                let value = try await spool(opened, configuration)
                await opened.close()
                return value
            } catch {
                await opened.close()
                throw error
            }
        }
    }

    /// Objects of a list that came one a line.
    static func lines<Value: Decodable>(_ type: Value.Type, _ data: Data) throws -> [Value] {
        let decoder = JSONDecoder()
        return try data.split(separator: UInt8(ascii: "\n")).map { try decoder.decode(type, from: $0) }
    }

    static func line(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}
