import CCUDA
import PinionBase

/// Work that a stream was given, recorded instead of done.
// Unchecked: a handle of the driver's, set once.
package final class DeviceGraph: @unchecked Sendable {
  package let context: DeviceContext
  let handle: UnsafeMutableRawPointer

  /// Records what `body` queues in `stream`, and in streams that wait for its events and are waited for again.
  package init(capturing stream: DeviceStream, _ body: () throws(PinionError) -> Void) throws(PinionError) {
    context = stream.context
    try context.call("cuStreamBeginCapture") { $0.cuStreamBeginCapture_v2(stream.handle, Int32(CC_CAPTURE_THREAD_LOCAL)) }
    var graph: UnsafeMutableRawPointer?
    do throws(PinionError) {
      try body()
      try context.call("cuStreamEndCapture") { $0.cuStreamEndCapture(stream.handle, &graph) }
    } catch {
      // The capture has to end whatever went wrong, or the stream stays unusable, and no memory can be given back.
      if graph == nil { _ = try? context.result { $0.cuStreamEndCapture(stream.handle, &graph) } }
      if let graph { context.dispose { $0.cuGraphDestroy(graph) } }
      throw error
    }
    guard let graph else { throw .internal("cuStreamEndCapture gave no graph") }
    handle = graph
  }

  deinit { context.dispose { $0.cuGraphDestroy(handle) } }
}

/// A graph made ready to be launched, any number of times, one launch at a time.
// Unchecked: a handle of the driver's, set once; launches one at a time are the callers' concern.
package final class ExecutableGraph: @unchecked Sendable {
  package let context: DeviceContext
  private let handle: UnsafeMutableRawPointer

  package init(_ graph: DeviceGraph) throws(PinionError) {
    context = graph.context
    var executable: UnsafeMutableRawPointer?
    try context.call("cuGraphInstantiate") { $0.cuGraphInstantiateWithFlags(&executable, graph.handle, 0) }
    guard let executable else { throw .internal("cuGraphInstantiate gave no graph") }
    handle = executable
  }

  deinit { context.dispose { $0.cuGraphExecDestroy(handle) } }

  /// Takes over the arguments of another recording of the same work.
  /// - Returns: false, with nothing changed, where the work differs too much; then a new one has to be made.
  package func update(to graph: DeviceGraph) throws(PinionError) -> Bool {
    var info = cc_update_info()
    let status = try context.result { $0.cuGraphExecUpdate_v2(handle, graph.handle, &info) }
    if status == Int32(CC_ERROR_GRAPH_UPDATE) { return false }
    if status != 0 { throw context.failure(status, "cuGraphExecUpdate") }
    return true
  }

  /// Brings what the launch needs to the device, so that the first one is as fast as the others.
  package func upload(in stream: DeviceStream) throws(PinionError) {
    try context.call("cuGraphUpload") { $0.cuGraphUpload(handle, stream.handle) }
  }

  package func launch(in stream: DeviceStream) throws(PinionError) {
    try context.call("cuGraphLaunch") { $0.cuGraphLaunch(handle, stream.handle) }
  }
}
