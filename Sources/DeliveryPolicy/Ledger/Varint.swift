/// Unsigned LEB128, as Protobuf has it.
package enum Varint {
    package static func size(_ value: UInt64) -> Int { max(1, (UInt64.bitWidth - value.leadingZeroBitCount + 6) / 7) }

    package static func append(_ value: UInt64, to bytes: inout [UInt8]) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    package struct Reader {
        private let bytes: [UInt8]
        private var index = 0

        package init(_ bytes: [UInt8]) { self.bytes = bytes }

        package var isAtEnd: Bool { index == bytes.count }

        package mutating func next() throws(LedgerError) -> UInt64 {
            var value: UInt64 = 0
            for shift in stride(from: UInt64(0), to: 70, by: 7) {
                guard index < bytes.count else { throw .truncated }
                let byte = bytes[index]
                index += 1
                if shift == 63, byte > 1 { throw .outOfRange }
                value |= UInt64(byte & 0x7F) << shift
                if byte < 0x80 { return value }
            }
            throw .outOfRange
        }

        package mutating func nextOffset() throws(LedgerError) -> Int64 {
            guard let offset = Int64(exactly: try next()) else { throw .outOfRange }
            return offset
        }
    }
}
