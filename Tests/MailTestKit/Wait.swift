/// How long a test waits for what must come: not part of what is tested, so it is ample for a slow and busy machine.
package let patience = Duration.seconds(120)

/// Waits until a condition holds; asks every few milliseconds, so that a test lasts no longer than what it waits for.
///
/// For what other threads and processes do; pure code is tested with `ManualClock`.
/// - Parameter what: In the error, where it does not come true in time.
package func wait(
    until what: String, timeout: Duration = patience, _ condition: () async throws -> Bool
) async throws {
    let clock = ContinuousClock()
    let deadline = clock.now + timeout
    while true {
        if try await condition() { return }
        if clock.now >= deadline { throw TestKitError("not within \(timeout): \(what)") }
        try await Task.sleep(for: .milliseconds(5))
    }
}

/// As `wait(until:)`, for a value that comes to be.
package func wait<Value>(
    for what: String, timeout: Duration = patience, _ value: () async throws -> Value?
) async throws -> Value {
    var found: Value?
    try await wait(until: what, timeout: timeout) {
        found = try await value()
        return found != nil
    }
    guard let found else { throw TestKitError("not there: \(what)") }
    return found
}
