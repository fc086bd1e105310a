import CPinion
import CThreads
import Pinion
import PinionBackend
import PinionBase

/// Threads, memory and log that sessions share.
final class RuntimeBox: @unchecked Sendable {
  let allocator: Allocator
  let threads: Int
  let models = ModelRegistry()
  private let options: pinion_runtime_options
  /// A pool is made for each number of threads that sessions ask for, when the first of them does.
  private let pools = Lock<[Int: ThreadPool]>([:])

  static let shared = RuntimeBox(defaultRuntimeOptions)

  init(_ options: pinion_runtime_options) {
    self.options = options
    if let allocate = options.allocate, let deallocate = options.deallocate {
      allocator = Allocator(allocate: allocate, deallocate: deallocate, context: options.allocator_context)
    } else {
      allocator = .system
    }
    threads = options.threads == 0 ? Int(ct_processor_count()) : Int(options.threads)
  }

  func runtime(threads wanted: Int) throws(PinionError) -> Runtime {
    let count = wanted == 0 ? threads : wanted
    if let pool = pools.withLock({ $0[count] }) { return Runtime(pool: pool, allocator: allocator) }
    let pool: ThreadPool
    if options.parallel_for != nil {
      pool = try ThreadPool(
        threads: count,
        executor: { host, task, context, count in
          guard let host, let task else { return }
          object(OpaquePointer(host), RuntimeBox.self).runOnHost(task, context, Int(count))
        }, host: Unmanaged.passUnretained(self).toOpaque())
    } else {
      pool = try ThreadPool(threads: count)
    }
    let chosen = pools.withLock { pools in
      let existing = pools[count]
      pools[count] = existing ?? pool
      return existing ?? pool
    }
    return Runtime(pool: chosen, allocator: allocator)
  }

  private func runOnHost(_ task: @convention(c) (UnsafeMutableRawPointer?, Int32) -> Void, _ context: UnsafeMutableRawPointer?, _ count: Int) {
    guard let parallelFor = options.parallel_for else { return }
    var job = (task, context)
    withUnsafeMutablePointer(to: &job) {
      parallelFor(
        count,
        { index, job in
          guard let job = job?.assumingMemoryBound(to: (@convention(c) (UnsafeMutableRawPointer?, Int32) -> Void, UnsafeMutableRawPointer?).self)
          else { return }
          job.pointee.0(job.pointee.1, Int32(truncatingIfNeeded: index))
        }, $0, options.parallel_for_context)
    }
  }

  func log(_ level: pinion_log_level, _ message: @autoclosure () -> String) {
    guard let log = options.log, level.rawValue <= options.log_level.rawValue else { return }
    message().withCString { log(level, $0, options.log_context) }
  }

  /// What `body` gives; an error of its is told to the log as well.
  @inline(__always)
  func logging<T>(_ what: StaticString, _ body: () throws(PinionError) -> T) throws(PinionError) -> T {
    do throws(PinionError) { return try body() } catch {
      log(PINION_LOG_ERROR, "\(what): \(error)")
      throw error
    }
  }
}

private nonisolated(unsafe) let defaultRuntimeOptions = pinion_runtime_options(
  struct_size: MemoryLayout<pinion_runtime_options>.size, threads: 0, log_level: PINION_LOG_WARNING, log: nil, log_context: nil, allocate: nil,
  deallocate: nil, allocator_context: nil, parallel_for: nil, parallel_for_context: nil)

/// The runtime behind a handle, or the process's default.
func runtimeBox(_ pointer: OpaquePointer?) -> RuntimeBox { pointer.map { object($0, RuntimeBox.self) } ?? .shared }

@c @implementation
public func pinion_runtime_create(
  _ given: UnsafePointer<pinion_runtime_options>!, _ runtime: UnsafeMutablePointer<OpaquePointer?>!
) -> pinion_status {
  status { () throws(PinionError) in
    let runtime = try required(runtime, "runtime")
    runtime.pointee = nil
    let options = try options(given, default: defaultRuntimeOptions) { $0.struct_size }
    guard (0...1024).contains(options.threads) else { throw .invalidArgument("threads is \(options.threads), expected 0 to 1024") }
    guard (PINION_LOG_OFF.rawValue...PINION_LOG_DEBUG.rawValue).contains(options.log_level.rawValue) else {
      throw .invalidArgument("log_level is \(options.log_level.rawValue), expected one of pinion_log_level")
    }
    guard (options.allocate == nil) == (options.deallocate == nil) else {
      throw .invalidArgument("one of allocate and deallocate is NULL and the other is not")
    }
    runtime.pointee = handle(RuntimeBox(options))
  }
}

@c @implementation
public func pinion_runtime_retain(_ runtime: OpaquePointer!) -> OpaquePointer! { retain(runtime, RuntimeBox.self) }

@c @implementation
public func pinion_runtime_release(_ runtime: OpaquePointer!) { release(runtime, RuntimeBox.self) }

@c @implementation
public func pinion_runtime_threads(_ runtime: OpaquePointer!) -> Int32 { Int32(truncatingIfNeeded: runtimeBox(runtime).threads) }
