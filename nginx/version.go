package nginx

import (
	"context"

	"github.com/30x/dispatcher/nginx/internal/program"
)

// Version gives the output of binary -V, for render.ParseCapabilities.
func Version(ctx context.Context, binary string) (output string, err error) {
	return program.Version(ctx, binary)
}
