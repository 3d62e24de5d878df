package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/rollcall-cli/rollcall/internal/apply"
)

// levelTrace is below slog's levels: every page and attempt.
const levelTrace = slog.LevelDebug - 4

// logOptions are the flags about the log, which is off unless one is given.
type logOptions struct{ level, file, format string }

// startLog makes the log that the flags ask for. It goes to standard error or is
// appended to a file, which the caller closes.
func (a *app) startLog() (io.Closer, error) {
	a.log = slog.New(slog.DiscardHandler)
	o := a.logOptions
	if o.level == "" && o.file == "" {
		return io.NopCloser(nil), nil
	}
	level, known := map[string]slog.Level{
		"trace": levelTrace, "debug": slog.LevelDebug, "info": slog.LevelInfo, "": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
	}[strings.ToLower(o.level)]
	if !known {
		return nil, fmt.Errorf("--log-level: %q is not one of trace, debug, info, warn, error", o.level)
	}
	out := a.Err
	closer := io.NopCloser(nil)
	if o.file != "" {
		file, err := os.OpenFile(a.path(o.file), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, fmt.Errorf("--log-file: %w", err)
		}
		out, closer = file, file
	}
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: nameTrace}
	switch o.format {
	case "text":
		a.log = slog.New(slog.NewTextHandler(out, options))
	case "json":
		a.log = slog.New(slog.NewJSONHandler(out, options))
	default:
		_ = closer.Close() // nothing was written
		return nil, fmt.Errorf("--log-format: %q is neither text nor json", o.format)
	}
	return closer, nil
}

// logOperation notes what became of an operation that was sent.
func (a *app) logOperation(ctx context.Context, op apply.Step, err error) {
	if !a.log.Enabled(ctx, slog.LevelWarn) { // made ready for nobody, for each operation
		return
	}
	log := a.log.With("address", op.Address(), "action", string(op.Action))
	if err != nil {
		log.WarnContext(ctx, "operation failed", "error", err)
		return
	}
	log.InfoContext(ctx, "operation done", "user_id", op.UserID)
}

// nameTrace gives the level below debug its name.
func nameTrace(_ []string, attr slog.Attr) slog.Attr {
	if level, ok := attr.Value.Any().(slog.Level); ok && attr.Key == slog.LevelKey && level == levelTrace {
		attr.Value = slog.StringValue("TRACE")
	}
	return attr
}
