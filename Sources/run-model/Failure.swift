import ArgumentParser
import Glibc
import Pinion

/// Why the command ends without having done what it was asked.
struct Failure: Error {
  enum Status: Int32 {
    case mismatch = 1
    case model = 2
    case run = 3
    case usage = 64
  }

  let status: Status
  /// The first is the message, each further one a problem of its own.
  let lines: [String]

  init(_ status: Status, _ message: String) {
    self.status = status
    lines = [message.onOneLine]
  }

  init(_ status: Status, _ error: PinionError, subject: String? = nil) {
    self.status = status
    var first = error
    first.others = []
    // A single unsupported node comes as the error itself, several as a count and one error each.
    // Messages about files name them already.
    let lead = subject.flatMap { first.description.contains($0) ? nil : "\($0): " } ?? ""
    lines = [(lead + first.description).onOneLine] + error.others.map(\.description)
  }
}

/// Runs `body`; what it throws ends the command with `status`.
func failing<T>(_ status: Failure.Status, subject: String? = nil, _ body: () throws(PinionError) -> T) throws(Failure) -> T {
  do throws(PinionError) { return try body() } catch { throw Failure(status, error, subject: subject) }
}

/// The same for what the words of the command line say: wrong by themselves or for the model, unless there is no memory for it.
func following<T>(subject: String? = nil, _ body: () throws(PinionError) -> T) throws(Failure) -> T {
  do throws(PinionError) { return try body() } catch { throw Failure(error.code == .outOfMemory ? .run : .usage, error, subject: subject) }
}

func printError(_ failure: Failure) {
  for (index, line) in failure.lines.enumerated() { writeError(index == 0 ? "run-model: error: \(line)" : "  \(line)") }
}

func printNote(_ text: String) { writeError("run-model: note: \(text.onOneLine)") }

private func writeError(_ line: String) { writeStandardError(line + "\n") }

/// Writes at once, past the buffer of what is printed.
func writeStandardError(_ text: String) {
  var rest = Array(text.utf8)[...]
  while !rest.isEmpty {
    let count = rest.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    guard count > 0 else { return }
    rest = rest.dropFirst(count)
  }
}
