internal import Glibc
internal import MailModel

/// Small text files of the system.
enum TextFile {
    static let maximumSize = 1 << 20

    /// - Returns: At most the first MiB; `nil` where there is no such file, or it cannot be read.
    static func read(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while bytes.count < maximumSize {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0 { return nil }
            if count == 0 { break }
            bytes += chunk[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// What matters here of resolv.conf(5).
package enum ResolvConf {
    /// As many as the C library looks at.
    static let maximumServers = 3

    /// - Returns: Addresses of `nameserver` lines, without scopes, which libunbound does not read.
    package static func servers(in text: String) -> [String] {
        let servers = text.split(whereSeparator: \.isNewline).compactMap { line -> String? in
            let words = line.split(whereSeparator: \.isWhitespace)
            guard words.count >= 2, words[0] == "nameserver", IPAddress(String(words[1])) != nil else { return nil }
            return String(words[1])
        }
        return Array(servers.prefix(maximumServers))
    }
}
