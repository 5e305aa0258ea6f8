package nginx

import (
	"context"
	"fmt"
	"io"

	"github.com/30x/dispatcher/pkg/render"
)

// Printer stands in for nginx: it writes each configuration to W and does
// nothing else.
type Printer struct{ W io.Writer }

// Apply writes the text of f. It fails only if W does.
func (p Printer) Apply(_ context.Context, f render.Files) error {
	if _, err := p.W.Write(f.Masked); err != nil {
		return fmt.Errorf("print the configuration: %w", err)
	}
	return nil
}
