import CPCRE2

/// What patterns of users may cost.
package enum PatternLimits {
    /// Bytes of a pattern.
    package static let patternLength = 1000
    /// Bytes of a text that are searched; the rest is not looked at.
    package static let subjectLength = 1024
    /// The same for the interpreter: steps from each of n places, each over up to n bytes, make `a*a*b` cubic there.
    static let interpretedLength = 512
    /// Groups within groups.
    static let nesting: UInt32 = 30
    /// Steps from each place of the text where a match may begin; patterns written for replies take tens. The slowest
    /// pattern found takes 0.5 ms with it, and 40 ms by the interpreter.
    static let steps: UInt32 = 5_000
    static let interpretedSteps: UInt32 = 2_000
    /// Of the interpreter: nested backtracking, and KiB for it.
    static let depth: UInt32 = 2_000
    static let heap: UInt32 = 1_024
    /// Of compiled code, in bytes.
    static let firstStack = 16 * 1024
    static let stack = 128 * 1024
}

/// Working memory of pattern matching, with its bounds. Bound to its owner's loop or thread: no two use it at a time.
package final class PatternMatcher {
    let data: OpaquePointer
    let context: OpaquePointer
    private let stack: OpaquePointer?

    package init() {
        guard let data = pcre2_match_data_create_8(1, nil), let context = pcre2_match_context_create_8(nil) else {
            preconditionFailure("no memory for matching patterns")
        }
        (self.data, self.context) = (data, context)
        pcre2_set_depth_limit_8(context, PatternLimits.depth)
        pcre2_set_heap_limit_8(context, PatternLimits.heap)
        // Without a stack of its own, compiled code has 32 KiB of the thread's, which is bounded as well.
        stack = pcre2_jit_stack_create_8(PatternLimits.firstStack, PatternLimits.stack, nil)
        if let stack { pcre2_jit_stack_assign_8(context, nil, UnsafeMutableRawPointer(stack)) }
    }

    deinit {
        pcre2_match_context_free_8(context)
        pcre2_match_data_free_8(data)
        pcre2_jit_stack_free_8(stack)
    }
}

/// A text that patterns are searched in: one line, at most `PatternLimits.subjectLength` bytes of whole characters.
package struct PatternSubject: Sendable {
    /// The text and a zero, so that an empty text has an address.
    let bytes: [UInt8]
    let length: Int
    let interpretedLength: Int

    /// - Parameter text: Line ends become spaces, so that no pattern depends on where a host broke its lines.
    package init(_ text: String) {
        var bytes = Array(text.utf8.prefix(PatternLimits.subjectLength + 1))
        bytes.removeSubrange(Self.wholeCharacters(bytes, PatternLimits.subjectLength)...)
        for index in bytes.indices where bytes[index] == UInt8(ascii: "\n") || bytes[index] == UInt8(ascii: "\r") {
            bytes[index] = UInt8(ascii: " ")
        }
        self.bytes = bytes + [0]
        length = bytes.count
        interpretedLength = Self.wholeCharacters(bytes, PatternLimits.interpretedLength)
    }

    /// Length of the longest start of at most so many bytes that cuts no character in two (RFC 3629 §3).
    private static func wholeCharacters(_ bytes: [UInt8], _ limit: Int) -> Int {
        guard bytes.count > limit else { return bytes.count }
        var length = limit
        while length > 0, bytes[length] & 0xC0 == 0x80 { length -= 1 }
        return length
    }
}
