package import NIOCore

/// Writes one JSON object into a buffer, field by field, without intermediate values.
///
/// For records that are written thousands of times a second; everything else may use `Codable`.
package struct JSONObjectWriter {
    package private(set) var buffer: ByteBuffer
    private var isFirst = true

    package init(into buffer: ByteBuffer) {
        self.buffer = buffer
        self.buffer.writeInteger(UInt8(ascii: "{"))
    }

    package mutating func finish() -> ByteBuffer {
        buffer.writeInteger(UInt8(ascii: "}"))
        return buffer
    }

    package mutating func field(_ name: StaticString, _ value: String?) {
        guard let value else { return }
        begin(name)
        string(value)
    }

    package mutating func field(_ name: StaticString, _ value: Int?) {
        guard let value else { return }
        begin(name)
        buffer.writeString(String(value))
    }

    package mutating func field(_ name: StaticString, _ value: Bool?) {
        guard let value else { return }
        begin(name)
        buffer.writeStaticString(value ? "true" : "false")
    }

    /// A nested object; left out where it would be empty.
    package mutating func object(_ name: StaticString, _ body: (inout JSONObjectWriter) -> Void) {
        let (start, wasFirst) = (buffer.writerIndex, isFirst)
        begin(name)
        buffer.writeInteger(UInt8(ascii: "{"))
        let inner = buffer.writerIndex
        isFirst = true
        body(&self)
        isFirst = false
        if buffer.writerIndex == inner {
            buffer.moveWriterIndex(to: start)
            isFirst = wasFirst
        } else {
            buffer.writeInteger(UInt8(ascii: "}"))
        }
    }

    /// A nested array of objects; left out where it would be empty.
    package mutating func array<Element>(
        _ name: StaticString, _ elements: [Element], _ body: (inout JSONObjectWriter, Element) -> Void
    ) {
        guard !elements.isEmpty else { return }
        begin(name)
        for (index, element) in elements.enumerated() {
            buffer.writeStaticString(index == 0 ? "[{" : ",{")
            isFirst = true
            body(&self, element)
            buffer.writeInteger(UInt8(ascii: "}"))
        }
        buffer.writeInteger(UInt8(ascii: "]"))
        isFirst = false
    }

    private mutating func begin(_ name: StaticString) {
        if !isFirst { buffer.writeInteger(UInt8(ascii: ",")) }
        isFirst = false
        buffer.writeInteger(UInt8(ascii: "\""))
        buffer.writeStaticString(name)
        buffer.writeStaticString("\":")
    }

    /// Escapes as RFC 8259 §7 asks. Swift strings are valid Unicode, so the output is valid UTF-8.
    private mutating func string(_ value: String) {
        buffer.writeInteger(UInt8(ascii: "\""))
        var clean = true
        for byte in value.utf8 where byte < 0x20 || byte == 0x22 || byte == 0x5C {
            clean = false
            break
        }
        if clean {
            buffer.writeString(value)
        } else {
            for byte in value.utf8 { escaped(byte) }
        }
        buffer.writeInteger(UInt8(ascii: "\""))
    }

    private mutating func escaped(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\n"): buffer.writeStaticString("\\n")
        case UInt8(ascii: "\r"): buffer.writeStaticString("\\r")
        case UInt8(ascii: "\t"): buffer.writeStaticString("\\t")
        case UInt8(ascii: "\""), UInt8(ascii: "\\"):
            buffer.writeInteger(UInt8(ascii: "\\"))
            buffer.writeInteger(byte)
        case 0x00..<0x20:
            buffer.writeStaticString("\\u00")
            for nibble in [byte >> 4, byte & 15] {
                buffer.writeInteger(nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10)
            }
        default: buffer.writeInteger(byte)
        }
    }
}
