// Captures and graphs.
#include "fake.h"

EXPORT int cuStreamBeginCapture_v2(void *handle, int) {
  DEVICE_CALL(cuStreamBeginCapture_v2)
  if (!is_stream(handle)) return CC_ERROR_INVALID_HANDLE;
  Stream *stream = (Stream *)handle;
  if (stream->capture) return CC_ERROR_INVALID_VALUE;
  stream->capture = std::make_shared<Graph>();
  stream->began_capture = true;
  stream->last.clear();
  return 0;
}
EXPORT int cuStreamEndCapture(void *handle, void **result) {
  DEVICE_CALL(cuStreamEndCapture)
  if (!is_stream(handle)) return CC_ERROR_INVALID_HANDLE;
  Stream *stream = (Stream *)handle;
  if (!stream->capture || !stream->began_capture) return CC_ERROR_INVALID_VALUE;
  auto graph = stream->capture;
  int status = 0;
  for (Stream *other : streams) {
    if (other->capture != graph) continue;
    if (other != stream && !other->is_joined) status = CC_ERROR_CAPTURE_UNJOINED;
    if (other->is_invalid) status = CC_ERROR_CAPTURE_INVALIDATED;
    other->capture = nullptr;
    other->began_capture = other->is_invalid = false, other->is_joined = true;
    other->last.clear();
  }
  *result = status ? nullptr : (void *)*graphs.insert(new std::shared_ptr<Graph>(graph)).first;
  return status;
}
EXPORT int cuGraphDestroy(void *graph) {
  DEVICE_CALL(cuGraphDestroy)
  if (!graphs.erase((std::shared_ptr<Graph> *)graph)) return CC_ERROR_INVALID_HANDLE;
  delete (std::shared_ptr<Graph> *)graph;
  return 0;
}
EXPORT int cuGraphInstantiateWithFlags(void **executable, void *graph, uint64_t) {
  DEVICE_CALL(cuGraphInstantiateWithFlags)
  if (!graphs.count((std::shared_ptr<Graph> *)graph)) return CC_ERROR_INVALID_HANDLE;
  *executable = *executables.insert(new Graph(**(std::shared_ptr<Graph> *)graph)).first;
  return 0;
}
EXPORT int cuGraphUpload(void *executable, void *) {
  DEVICE_CALL(cuGraphUpload)
  return executables.count((Graph *)executable) ? 0 : CC_ERROR_INVALID_HANDLE;
}
EXPORT int cuGraphLaunch(void *executable, void *stream) {
  DEVICE_CALL(cuGraphLaunch)
  if (!executables.count((Graph *)executable)) return CC_ERROR_INVALID_HANDLE;
  auto copy = std::make_shared<Graph>(*(Graph *)executable);
  return put(stream, "graph", [copy] { return run_graph(*copy); });
}
EXPORT int cuGraphExecDestroy(void *executable) {
  DEVICE_CALL(cuGraphExecDestroy)
  if (!executables.erase((Graph *)executable)) return CC_ERROR_INVALID_HANDLE;
  delete (Graph *)executable;
  return 0;
}
EXPORT int cuGraphExecUpdate_v2(void *executable, void *graph, cc_update_info *info) {
  DEVICE_CALL(cuGraphExecUpdate_v2)
  if (!executables.count((Graph *)executable) || !graphs.count((std::shared_ptr<Graph> *)graph)) return CC_ERROR_INVALID_HANDLE;
  Graph &old = *(Graph *)executable, &given = **(std::shared_ptr<Graph> *)graph;
  bool is_same = old.nodes.size() == given.nodes.size();
  for (size_t i = 0; is_same && i < old.nodes.size(); i++)
    is_same = old.nodes[i].kind == given.nodes[i].kind && old.nodes[i].before == given.nodes[i].before;
  info->result = is_same ? 0 : 2;
  if (!is_same) return CC_ERROR_GRAPH_UPDATE;
  old = given;
  return 0;
}
