package watcher

import (
	"context"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// pageSize is how many objects are asked for at once. A whole Pod takes up about
// 25 kB.
const pageSize = 500

// ByPages makes a plain list of all objects, page by page, of which only what may
// matter is kept. API servers before Kubernetes 1.34 may know no list by watch, and
// 10,000 Pods in one piece take up 400 MiB for a moment.
func ByPages[L runtime.Object](list func(context.Context, metav1.ListOptions) (L, error)) func(context.Context, metav1.ListOptions) (runtime.Object, error) {
	return func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
		// A server that may choose the version answers from its cache, in one piece.
		o.ResourceVersion, o.ResourceVersionMatch, o.Limit = "", "", pageSize
		all := &packedList{}
		for {
			page, err := list(ctx, o)
			if err != nil {
				return nil, err
			}
			err = meta.EachListItem(page, func(o runtime.Object) error {
				p, err := pack(o)
				if p, ok := p.(*packed); ok {
					all.Items = append(all.Items, p)
				}
				return err
			})
			if err != nil {
				return nil, err
			}
			about, err := meta.ListAccessor(page)
			if err != nil {
				return nil, err
			}
			all.ResourceVersion = about.GetResourceVersion()
			if o.Continue = about.GetContinue(); o.Continue == "" {
				return all, nil
			}
		}
	}
}
