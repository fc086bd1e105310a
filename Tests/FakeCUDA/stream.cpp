// Streams and events.
#include "fake.h"

EXPORT int cuStreamCreate(void **stream, unsigned) {
  DEVICE_CALL(cuStreamCreate)
  *stream = *streams.insert(new Stream).first;
  return 0;
}
EXPORT int cuStreamDestroy_v2(void *handle) {
  DEVICE_CALL(cuStreamDestroy_v2)
  Stream *stream = (Stream *)handle;
  if (!is_stream(stream)) return CC_ERROR_INVALID_HANDLE;
  drain(stream);
  for (Event *event : events)
    if (event->stream == stream) event->stream = nullptr;
  streams.erase(stream);
  delete stream;
  return 0;
}
EXPORT int cuStreamSynchronize(void *handle) {
  DEVICE_CALL(cuStreamSynchronize)
  if (!is_stream(handle)) return CC_ERROR_INVALID_HANDLE;
  Stream *stream = (Stream *)handle;
  if (stream->capture) return stream->is_invalid = true, CC_ERROR_CAPTURE_UNSUPPORTED;
  return drain(stream);
}
EXPORT int cuStreamQuery(void *handle) {
  DEVICE_CALL(cuStreamQuery)
  if (!is_stream(handle)) return CC_ERROR_INVALID_HANDLE;
  Stream *stream = (Stream *)handle;
  // Each question brings the work one step on, so that polling ends.
  if (!stream->queue.empty()) drain(stream, stream->done + 1);
  return sticky ? sticky : stream->queue.empty() ? 0 : CC_ERROR_NOT_READY;
}
EXPORT int cuStreamWaitEvent(void *handle, void *event_handle, unsigned) {
  DEVICE_CALL(cuStreamWaitEvent)
  Event *event = (Event *)event_handle;
  if (!is_stream(handle) || !events.count(event)) return CC_ERROR_INVALID_HANDLE;
  Stream *stream = (Stream *)handle;
  if (event->capture) {
    if (!stream->capture) stream->capture = event->capture, stream->last = event->last, stream->is_joined = false;
    else stream->last.insert(stream->last.end(), event->last.begin(), event->last.end());
    for (Stream *other : streams)
      if (other != stream && other->capture == event->capture && other->last == event->last) other->is_joined = true;
    return 0;
  }
  Stream *source = event->stream;
  const size_t position = event->position;
  if (!source || source == stream) return 0;
  return put(stream, "wait", [=] { return is_stream(source) ? drain(source, position) : 0; });
}
EXPORT int cuEventCreate(void **event, unsigned flags) {
  DEVICE_CALL(cuEventCreate)
  Event *made = new Event;
  made->is_timed = !(flags & CC_EVENT_DISABLE_TIMING);
  *event = *events.insert(made).first;
  return 0;
}
EXPORT int cuEventDestroy_v2(void *event) {
  DEVICE_CALL(cuEventDestroy_v2)
  if (!events.erase((Event *)event)) return CC_ERROR_INVALID_HANDLE;
  drain_all();
  delete (Event *)event;
  return 0;
}
EXPORT int cuEventRecord(void *handle, void *stream_handle) {
  DEVICE_CALL(cuEventRecord)
  Event *event = (Event *)handle;
  Stream *stream = (Stream *)stream_handle;
  if (!events.count(event) || !is_stream(stream)) return CC_ERROR_INVALID_HANDLE;
  if (stream->capture) return event->capture = stream->capture, event->last = stream->last, 0;
  event->capture = nullptr;
  event->stream = stream;
  const int status = put(stream, "record", [event] {
    if (events.count(event)) event->time = seconds();
    return 0;
  });
  event->position = stream->queued;
  return status;
}
EXPORT int cuEventQuery(void *handle) {
  DEVICE_CALL(cuEventQuery)
  Event *event = (Event *)handle;
  if (!events.count(event)) return CC_ERROR_INVALID_HANDLE;
  if (event->stream && event->stream->done < event->position) {
    drain(event->stream, event->stream->done + 1);
    return sticky ? sticky : event->stream->done < event->position ? CC_ERROR_NOT_READY : 0;
  }
  return 0;
}
EXPORT int cuEventSynchronize(void *handle) {
  DEVICE_CALL(cuEventSynchronize)
  Event *event = (Event *)handle;
  if (!events.count(event)) return CC_ERROR_INVALID_HANDLE;
  return event->stream ? drain(event->stream, event->position) : 0;
}
EXPORT int cuEventElapsedTime(float *milliseconds, void *start, void *end) {
  DEVICE_CALL(cuEventElapsedTime)
  Event *first = (Event *)start, *last = (Event *)end;
  if (!events.count(first) || !events.count(last) || !first->is_timed || !last->is_timed) return CC_ERROR_INVALID_HANDLE;
  if (first->time == 0 || last->time == 0) return CC_ERROR_NOT_READY;
  *milliseconds = (float)((last->time - first->time) * 1e3);
  return 0;
}
