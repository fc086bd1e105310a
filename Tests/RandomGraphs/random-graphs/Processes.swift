import Glibc

@_silgen_name("mallopt") func setHeapOption(_ option: Int32, _ value: Int32) -> Int32

/// Numbers of malloc.h, which the C library's module leaves out.
enum HeapOption {
  static let perturb: Int32 = -6
}

@_silgen_name("fork") private func forkProcess() -> Int32

/// A copy of this process that does one thing, so that a crash there is no crash here.
///
/// Forks only while this process has one thread.
struct ChildProcess {
  let id: Int32
  private let descriptor: Int32
  private var received: [UInt8] = []

  enum End: Equatable { case normal, signal(Int32), timeout }

  /// Starts `body` in a copy of this process; what it sends arrives in `collect`.
  /// - Parameter seconds: after which the child is killed.
  init?(seconds: UInt32 = 0, _ body: (Sender) -> Void) {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { return nil }
    let id = forkProcess()
    guard id >= 0 else { return nil }
    if id == 0 {
      close(ends[0])
      for number in [SIGSEGV, SIGABRT, SIGILL, SIGTRAP, SIGBUS, SIGFPE] { signal(number, SIG_DFL) }
      if seconds > 0 { alarm(seconds) }
      body(Sender(descriptor: ends[1]))
      _exit(0)
    }
    close(ends[1])
    self.id = id
    descriptor = ends[0]
  }

  struct Sender {
    fileprivate let descriptor: Int32
    func send(_ text: String) {
      let bytes = Array(text.utf8)
      var start = 0
      while start < bytes.count {
        let written = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress?.advanced(by: start), bytes.count - start) }
        guard written > 0 else { return }
        start += written
      }
    }
  }

  /// Waits for the end; what was sent, and how it ended.
  /// - Parameter waiting: called about once a second until then.
  mutating func finish(waiting: () -> Void = {}) -> (text: String, end: End) {
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      var ready = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      if poll(&ready, 1, 1000) == 0 {
        waiting()
        continue
      }
      let count = read(descriptor, &buffer, buffer.count)
      guard count > 0 else { break }
      received += buffer[..<count]
    }
    close(descriptor)
    var status: Int32 = 0
    waitpid(id, &status, 0)
    let number = status & 0x7f
    let end: End = number == 0 ? .normal : number == SIGALRM ? .timeout : .signal(number)
    return (String(decoding: received, as: UTF8.self), end)
  }
}

/// Memory that children and their parent see.
final class SharedCounters {
  private let base: UnsafeMutablePointer<UInt64>
  init?(count: Int) {
    guard let pointer = mmap(nil, count * 8, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0), pointer != MAP_FAILED else { return nil }
    base = pointer.bindMemory(to: UInt64.self, capacity: count)
  }
  subscript(index: Int) -> UInt64 {
    get { base[index] }
    set { base[index] = newValue }
  }
}
