import ArgumentParser
import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NodeRuntime

/// The options by which a command finds its node, and what it reads when none runs.
struct NodeOptions: ParsableArguments {
    @Option(help: "URL of the node's admin API; else APUS_NODE, else the socket or address of the configuration.")
    var node: String?

    @Option(help: "Configuration file; else APUS_CONFIG, ./apus.yaml, /etc/apus/apus.yaml.")
    var config: String?

    @Flag(help: "Print JSON, one object a line.")
    var json = false

    /// A node that was named is the only one meant: without it nothing is asked of a spool.
    var namesNode: Bool { node != nil || environmentNode != nil }
    private var environmentNode: String? {
        ProcessInfo.processInfo.environment["APUS_NODE"].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Base URLs to try in order. The socket comes first: it may write.
    func bases() throws -> [String] {
        if let url = node ?? environmentNode {
            guard url.hasPrefix("http://") || url.hasPrefix("https://") || url.hasPrefix("http+unix://") else {
                throw ValidationError("--node \(url): must begin with http://, https:// or http+unix://")
            }
            return [url.hasSuffix("/") ? String(url.dropLast()) : url]
        }
        let http = try Exit.load(config).0.http
        var bases: [String] = []
        if let socket = http.socket, FileManager.default.fileExists(atPath: socket) {
            let escaped = socket.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? socket
            bases.append("http+unix://\(escaped)")
        }
        if let address = http.address { bases.append("http://\(address)") }
        return bases
    }
}

/// Talks to the admin API of a node.
struct NodeClient {
    let bases: [String]

    /// Lives as long as the process. A node that refuses the connection is not there: asking again would only wait.
    private static let client: HTTPClient = {
        var configuration = HTTPClient.Configuration()
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.timeout.connect = .seconds(5)
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    struct Answer {
        let status: Int
        let body: Data
    }

    /// - Returns: `nil` when no node answers at any of the addresses.
    func request(
        _ method: HTTPMethod, _ path: String, query: [URLQueryItem] = [], body: Data? = nil
    ) async throws -> Answer? {
        let target = Self.target(path, query)
        for base in bases {
            var request = Self.request(base + target)
            request.method = method
            if let body { request.body = .bytes(ByteBuffer(bytes: body)) }
            do {
                let response = try await Self.client.execute(request, timeout: .seconds(60))
                let body = try await response.body.collect(upTo: 1 << 30)
                return Answer(status: Int(response.status.code), body: Data(body.readableBytesView))
            } catch let error as HTTPClientError where error != .connectTimeout {
                throw Exit.saying("\(base): \(error)", Exit.unreachable)
            } catch {
                continue  // nobody listens there; the next address, or the spool itself, may do
            }
        }
        return nil
    }

    /// Reads a list that is sent while things happen, line by line.
    ///
    /// - Parameter time: When it must have ended.
    /// - Returns: Whether a node answered at one of the addresses.
    func follow(
        _ path: String, query: [URLQueryItem], for time: TimeAmount, _ take: (Data) throws -> Void
    ) async throws -> Bool {
        let target = Self.target(path, query)
        for base in bases {
            let response: HTTPClientResponse
            do {
                response = try await Self.client.execute(Self.request(base + target), timeout: time)
            } catch let error as HTTPClientError where error != .connectTimeout {
                throw Exit.saying("\(base): \(error)", Exit.unreachable)
            } catch {
                continue  // nobody listens there
            }
            guard response.status == .ok else {
                let body = try await response.body.collect(upTo: 1 << 20)
                _ = try Self.body(Answer(status: Int(response.status.code), body: Data(body.readableBytesView)))
                return true
            }
            var rest = Data()
            do {
                for try await piece in response.body {
                    rest.append(contentsOf: piece.readableBytesView)
                    while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                        try take(Data(rest[..<end]))
                        rest = Data(rest[(end + 1)...])
                    }
                }
            } catch let error as HTTPClientError {
                throw Exit.saying("\(base): \(error)", Exit.unreachable)
            }
            return true
        }
        return false
    }

    private static func target(_ path: String, _ query: [URLQueryItem]) -> String {
        var components = URLComponents()
        components.path = path
        if !query.isEmpty { components.queryItems = query }
        return components.percentEncodedPath + (components.percentEncodedQuery.map { "?\($0)" } ?? "")
    }

    private static func request(_ url: String) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: url)
        if let token = ProcessInfo.processInfo.environment["APUS_TOKEN"], !token.isEmpty {
            request.headers.add(name: "authorization", value: "Bearer \(token)")
        }
        return request
    }

    /// The body of a good answer; others end the command with what the node said.
    static func body(_ answer: Answer) throws -> Data {
        if (200..<300).contains(answer.status) { return answer.body }
        struct Problem: Decodable { var title: String?, detail: String? }
        let problem = try? JSONDecoder().decode(Problem.self, from: answer.body)  // else the status alone has to do
        let text = problem?.detail ?? problem?.title ?? "the node answered \(answer.status)"
        switch answer.status {
        case 404: throw Exit.saying(text, Exit.no)
        case 401, 403: throw Exit.saying(text, Exit.noPermission)
        case 400, 422: throw Exit.saying(text, ExitCode(64))
        case 503, 504: throw Exit.saying(text, Exit.tryAgain)
        default: throw Exit.saying(text, Exit.no)
        }
    }
}
