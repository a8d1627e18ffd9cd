/// Finds the route of a request. Pure; made once, when the server starts.
package struct AdminRouter: Sendable {
    package enum Match {
        case route(AdminRoute, parameters: [String: String])
        /// The path is known, the method is not; for the Allow field.
        case otherMethods([String])
        case none

        var isConfidential: Bool {
            if case .route(let route, _) = self { route.isConfidential } else { false }
        }
    }

    private struct Entry: Sendable {
        let components: [Substring]
        let route: AdminRoute
    }

    private let entries: [Entry]

    /// Routes without parameters win over those with, whatever their order.
    package init(_ routes: [AdminRoute]) {
        let all = routes.map { Entry(components: AdminRouter.split($0.path), route: $0) }
        func parameters(_ entry: Entry) -> Int { entry.components.count { $0.hasPrefix("{") } }
        entries = all.enumerated().sorted { a, b in
            (parameters(a.element), a.offset) < (parameters(b.element), b.offset)
        }.map(\.element)
    }

    package func match(method: String, path: String) -> Match {
        let components = AdminRouter.split(path)
        var others: [String] = []
        for entry in entries {
            guard let parameters = AdminRouter.parameters(of: components, entry.components) else { continue }
            if entry.route.method.rawValue == method { return .route(entry.route, parameters: parameters) }
            others.append(entry.route.method.rawValue)
        }
        return others.isEmpty ? .none : .otherMethods(others)
    }

    private static func split(_ path: String) -> [Substring] {
        path.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map { $0 }
    }

    private static func parameters(of path: [Substring], _ pattern: [Substring]) -> [String: String]? {
        guard path.count == pattern.count else { return nil }
        var parameters: [String: String] = [:]
        for (component, expected) in zip(path, pattern) {
            if expected.hasPrefix("{"), expected.hasSuffix("}") {
                guard !component.isEmpty, let value = PercentCoding.decode(component) else { return nil }
                parameters[String(expected.dropFirst().dropLast())] = value
            } else if component != expected {
                return nil
            }
        }
        return parameters
    }
}

/// Percent-encoding of RFC 3986 §2.1.
package enum PercentCoding {
    /// - Returns: `nil` for broken escapes, control characters, and what is not UTF-8 afterwards.
    static func decode(_ text: Substring, plusIsSpace: Bool = false) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else {
                    return nil
                }
                bytes.append(high << 4 | low)
            case UInt8(ascii: "+") where plusIsSpace: bytes.append(UInt8(ascii: " "))
            default: bytes.append(byte)
            }
        }
        guard bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }

    /// `a=b&c=d`; `nil` where a part cannot be decoded or there are more than 100.
    package static func query(_ text: Substring) -> [String: String]? {
        var query: [String: String] = [:]
        let parts = text.split(separator: "&")
        guard parts.count <= 100 else { return nil }
        for part in parts {
            let split = part.firstIndex(of: "=") ?? part.endIndex
            let value = split == part.endIndex ? "" : part[part.index(after: split)...]
            guard let name = decode(part[..<split], plusIsSpace: true), let text = decode(value, plusIsSpace: true)
            else {
                return nil
            }
            query[name] = text
        }
        return query
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }
}
