/// A secret that stood in a file. Never shown, not by reflection either.
package struct SecretText: Equatable, Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable
{
    private let bytes: [UInt8]

    package static let lengths = 32...512

    /// - Parameter text: The file's content; its first line counts.
    package init?(_ text: String) {
        let line = text.prefix { !$0.isNewline }
        guard Self.lengths.contains(line.utf8.count), line.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            return nil
        }
        bytes = Array(line.utf8)
    }

    package func withBytes<Result>(_ body: ([UInt8]) -> Result) -> Result { body(bytes) }

    package var description: String { "(secret)" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
