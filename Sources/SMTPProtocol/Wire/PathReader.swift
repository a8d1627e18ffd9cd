internal import MailModel

/// Lengths a path may have (RFC 5321 §4.5.3.1); the RFC asks to accept at least these.
package struct PathLimits: Sendable {
    var localPart: Int
    var domain = 255
    /// With its angle brackets.
    var path: Int

    package init(localPart: Int = 64, path: Int = 256) { (self.localPart, self.path) = (localPart, path) }
}

/// Where in the arena the parts of one path were put, and what was seen on the way.
package struct ParsedPath: Equatable, Sendable {
    var start = 0
    var localCount = 0
    var domainCount = 0
    /// The local part or the domain holds octets above 127 on the wire, which needs SMTPUTF8 (RFC 6531 §3.4).
    var isEightBit = false

    package var localPart: Range<Int> { start..<start + localCount }
    package var domain: Range<Int> { start + localCount..<start + localCount + domainCount }
    var all: Range<Int> { start..<start + localCount + domainCount }
    /// `<>`, or a local part alone.
    var hasDomain: Bool { domainCount > 0 }
    var isNull: Bool { localCount == 0 }
}

/// Reads a reverse-path or forward-path (RFC 5321 §4.1.2) into an arena: the local part without its quotes, then the
/// domain in canonical form, as `MailModel.Domain` has it.
///
/// Source routes are read and ignored (appendix C). Dots may stand anywhere in an unquoted local part: some
/// providers have handed out such addresses.
package struct PathReader {
    package enum Failure: Error { case syntax, tooLong, domain }

    let limits: PathLimits

    package init(limits: PathLimits) { self.limits = limits }

    /// - Parameter index: Offset of the `<`; afterwards that of the octet behind the `>`.
    package func read(
        _ line: Span<UInt8>, at index: inout Int, into arena: inout [UInt8]
    ) throws(Failure) -> ParsedPath {
        guard index < line.count, line[index] == UInt8(ascii: "<") else { throw .syntax }
        let open = index
        index += 1
        if index < line.count, line[index] == UInt8(ascii: "@") { try skipRoute(line, at: &index) }
        var path = ParsedPath(start: arena.count)
        try readLocalPart(line, at: &index, into: &arena, path: &path)
        guard index < line.count else { throw .syntax }
        if line[index] == UInt8(ascii: "@") {
            index += 1
            guard path.localCount > 0 else { throw .syntax }
            try readDomain(line, at: &index, into: &arena, path: &path)
        }
        guard index < line.count, line[index] == UInt8(ascii: ">") else { throw .syntax }
        index += 1
        guard index - open <= limits.path else { throw .tooLong }
        return path
    }

    /// `@a,@b:`
    private func skipRoute(_ line: Span<UInt8>, at index: inout Int) throws(Failure) {
        while index < line.count {
            let byte = line[index]
            index += 1
            if byte == UInt8(ascii: ":") { return }
            guard byte != UInt8(ascii: ">"), byte > 0x20, byte != 0x7F else { throw .syntax }
        }
        throw .syntax
    }

    private func readLocalPart(
        _ line: Span<UInt8>, at index: inout Int, into arena: inout [UInt8], path: inout ParsedPath
    ) throws(Failure) {
        let start = index
        if index < line.count, line[index] == UInt8(ascii: "\"") {
            try readQuoted(line, at: &index, into: &arena, path: &path)
            guard arena.count > path.start else { throw .syntax }
        } else {
            while index < line.count {
                let byte = line[index]
                if byte >= 0x80 {
                    path.isEightBit = true
                } else if !Octet.isAtext(byte) && byte != UInt8(ascii: ".") {
                    break
                }
                arena.append(byte)
                index += 1
            }
        }
        path.localCount = arena.count - path.start
        guard index - start <= limits.localPart else { throw .tooLong }
        if path.isEightBit { try requireUTF8(arena, path.localPart) }
    }

    /// `Quoted-string` of RFC 5321; a quoted pair stands for its second octet.
    private func readQuoted(
        _ line: Span<UInt8>, at index: inout Int, into arena: inout [UInt8], path: inout ParsedPath
    ) throws(Failure) {
        index += 1
        while index < line.count {
            var byte = line[index]
            index += 1
            if byte == UInt8(ascii: "\"") { return }
            if byte == UInt8(ascii: "\\") {
                guard index < line.count else { throw .syntax }
                byte = line[index]
                index += 1
            }
            guard !Octet.isControl(byte) else { throw .syntax }
            if byte >= 0x80 { path.isEightBit = true }
            arena.append(byte)
        }
        throw .syntax
    }

    private func readDomain(
        _ line: Span<UInt8>, at index: inout Int, into arena: inout [UInt8], path: inout ParsedPath
    ) throws(Failure) {
        let start = index
        var isEightBit = false
        while index < line.count, line[index] != UInt8(ascii: ">"), line[index] > Octet.space {
            let byte = line[index]
            if byte >= 0x80 { isEightBit = true }
            arena.append(Octet.lowercased(byte))
            index += 1
        }
        guard index > start else { throw .syntax }
        guard index - start <= limits.domain else { throw .tooLong }
        let from = path.start + path.localCount
        if isEightBit {
            path.isEightBit = true
            try normalize(&arena, from: from)
        } else if arena[from] == UInt8(ascii: "[") {
            guard AddressLiteral.isValid(arena.span, from..<arena.count) else { throw .domain }
        } else {
            if arena[arena.count - 1] == UInt8(ascii: ".") { arena.removeLast() }
            guard HostName.isValid(arena.span, from..<arena.count) else { throw .domain }
        }
        path.domainCount = arena.count - from
    }

    /// U-labels become A-labels here, so that a domain which has none is refused with this command (RFC 5891 §4).
    private func normalize(_ arena: inout [UInt8], from: Int) throws(Failure) {
        guard let text = String(validating: arena[from...], as: UTF8.self), let domain = Domain(normalizing: text)
        else { throw .domain }
        arena.removeLast(arena.count - from)
        arena.append(contentsOf: domain.name.utf8)
    }

    private func requireUTF8(_ arena: [UInt8], _ range: Range<Int>) throws(Failure) {
        guard String(validating: arena[range], as: UTF8.self) != nil else { throw .syntax }
    }
}
