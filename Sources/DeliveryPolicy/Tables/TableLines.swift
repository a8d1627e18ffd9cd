/// Logical lines of a table file, as Postfix reads them (postmap(1), aliases(5)).
///
/// Lines that are blank or begin with `#` behind blanks are left out, also between a line and its continuation. A line
/// that begins with a blank continues the one before it.
package struct TableLines {
    private static let (lf, hash) = (UInt8(ascii: "\n"), UInt8(ascii: "#"))

    private let text: [UInt8]
    private var index = 0
    private var physical = 0

    package init(_ text: [UInt8]) {
        self.text = text
        // The mark that some editors write before UTF-8.
        if text.starts(with: [0xEF, 0xBB, 0xBF]) { index = 3 }
    }

    /// - Parameter line: The next logical line: continuations joined as they stand, without blanks at its end.
    /// - Returns: The number of its first physical line, from 1; `nil` at the end of the text.
    package mutating func next(into line: inout [UInt8]) -> Int? {
        line.removeAll(keepingCapacity: true)
        var number = 0
        while index < text.count {
            let end = endOfLine()
            let first = firstInk(before: end)
            if first == end || text[first] == Self.hash {
                advance(past: end)
                continue
            }
            guard number == 0 || first > index else { break }
            if number == 0 { number = physical + 1 }
            line.append(contentsOf: text[index..<end])
            advance(past: end)
        }
        guard number > 0 else { return nil }
        while let last = line.last, Self.isBlank(last) { line.removeLast() }
        return number
    }

    private func endOfLine() -> Int {
        var end = index
        while end < text.count, text[end] != Self.lf { end += 1 }
        return end
    }

    private func firstInk(before end: Int) -> Int {
        var first = index
        while first < end, Self.isBlank(text[first]) { first += 1 }
        return first
    }

    private mutating func advance(past end: Int) {
        index = min(end + 1, text.count)
        physical += 1
    }

    /// `isspace` of the C locale; CR is one, so that files of other systems read the same.
    static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
}

/// What is wrong with a line of a table.
package struct TableProblem: Equatable, Sendable {
    /// From 1.
    package var line: Int
    package var key: String
    package var value: String?
    /// What is wrong, and what is allowed.
    package var message: String
    /// The table can be used; the line has no effect, or not all of it.
    package var isWarning: Bool

    package init(line: Int, key: String, value: String? = nil, _ message: String, isWarning: Bool = false) {
        (self.line, self.key, self.value, self.message, self.isWarning) = (line, key, value, message, isWarning)
    }
}

/// What was read of one file.
package struct TableReading<Table> {
    package var table: Table
    package var problems: [TableProblem] = []
    /// Problems beyond `problemLimit` are counted only.
    package var furtherProblems = 0

    package static var problemLimit: Int { 100 }

    package init(_ table: Table) { self.table = table }

    package var errors: [TableProblem] { problems.filter { !$0.isWarning } }

    package mutating func report(_ problem: TableProblem) {
        // An error must not hide behind warnings.
        if problems.count < Self.problemLimit {
            problems.append(problem)
        } else if !problem.isWarning, let place = problems.firstIndex(where: \.isWarning) {
            problems[place] = problem
            furtherProblems += 1
        } else {
            furtherProblems += 1
        }
    }
}

extension TableReading: Sendable where Table: Sendable {}
