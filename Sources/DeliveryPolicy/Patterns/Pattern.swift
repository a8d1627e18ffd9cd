import CPCRE2

/// A regular expression (PCRE2) that somebody else wrote, compiled once, with a bounded cost for each use.
///
/// Letters match in either case; `(?-i)` in the pattern asks for the written one. Texts are UTF-8. What a use may cost is
/// set by `PatternLimits`: `^(a+)+$` ends as `limitReached` after less than a millisecond, where a matcher without bounds
/// would run for years.
///
/// `@unchecked Sendable`: compiled code is never changed after `init` (pcre2api(3), "Multithreading").
package final class Pattern: @unchecked Sendable {
    package enum Outcome: Sendable { case match, noMatch, limitReached }

    /// As it was written.
    package let text: String
    private let code: OpaquePointer
    private let isCompiled: Bool

    /// - Parameter compiled: Matched by code made for it, where the system allows that. The interpreter, which matches
    ///   otherwise, has narrower limits.
    package init(_ text: String, compiled: Bool = true) throws(PatternError) {
        guard !text.isEmpty else { throw PatternError("is empty") }
        guard text.utf8.count <= PatternLimits.patternLength else {
            throw PatternError("is longer than \(PatternLimits.patternLength) bytes")
        }
        // Settings in a pattern, as (*NO_JIT), are not its author's business.
        guard !text.hasPrefix("(*") else { throw PatternError("begins with a setting or verb, (*…)") }
        self.text = text
        code = try Self.compile(text)
        // Fails where memory cannot be made executable (MemoryDenyWriteExecute of systemd) or the processor is unknown.
        isCompiled = compiled && pcre2_jit_compile_8(code, PCRE2_JIT_COMPLETE) == 0
    }

    deinit { pcre2_code_free_8(code) }

    /// Whether the pattern is found anywhere in a text. A match that reached a limit is told from one that was not found,
    /// and is none.
    package func search(_ subject: PatternSubject, using matcher: PatternMatcher) -> Outcome {
        pcre2_set_match_limit_8(
            matcher.context, isCompiled ? PatternLimits.steps : PatternLimits.interpretedSteps)
        let length = isCompiled ? subject.length : subject.interpretedLength
        let status = subject.bytes.withUnsafeBufferPointer { bytes in
            pcre2_match_8(code, bytes.baseAddress, length, 0, PCRE2_NO_UTF_CHECK, matcher.data, matcher.context)
        }
        // 0: more groups than there is room for, which nobody asks for. Every other error is a bound of some kind.
        return status >= 0 ? .match : status == PCRE2_ERROR_NOMATCH ? .noMatch : .limitReached
    }

    private static func compile(_ text: String) throws(PatternError) -> OpaquePointer {
        guard let context = pcre2_compile_context_create_8(nil) else { throw PatternError("cannot be kept in memory") }
        defer { pcre2_compile_context_free_8(context) }
        pcre2_set_parens_nest_limit_8(context, PatternLimits.nesting)
        var (error, offset): (CInt, Int) = (0, 0)
        // `\C` would cut characters in two.
        let options = UInt32(PCRE2_UTF) | UInt32(PCRE2_CASELESS) | UInt32(PCRE2_NEVER_BACKSLASH_C)
        let bytes = Array(text.utf8)
        let code = pcre2_compile_8(bytes, bytes.count, options, &error, &offset, context)
        guard let code else { throw PatternError("is no pattern: \(message(error)) (at byte \(offset))") }
        return code
    }

    private static func message(_ error: CInt) -> String {
        var bytes = [UInt8](repeating: 0, count: 256)
        pcre2_get_error_message_8(error, &bytes, bytes.count)
        return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
}

extension Pattern: Equatable {
    package static func == (a: Pattern, b: Pattern) -> Bool { a.text == b.text }
}

/// Why a text cannot be used as a pattern, as the end of a sentence that begins with it.
package struct PatternError: Error, Equatable, CustomStringConvertible {
    package let description: String
    init(_ description: String) { self.description = description }
}
