package check

import (
	"context"
	"os"

	"github.com/30x/dispatcher/demo/internal/tour"
)

// certify takes the certificates away, brings them back, and renews them.
func (k *checker) certify(ctx context.Context) {
	const problem = "there is no Secret routing"
	secret := k.site.Files.Secret
	k.step(ctx, "moved the Secret away: told why, its hosts are closed, and no other",
		renames(secret, secret+".away"),
		k.tells("problem", "Namespace/secure-namespace", "secure.k8s.local", problem),
		k.tells("live in", "Secret/secure-namespace/routing deleted", "2 problems"),
		k.comesToGive(tour.Visit{Host: "secure.k8s.local", Path: "/account"}, served("/blog", "blog-1")))
	k.step(ctx, "moved it back: everything is as at the start",
		renames(secret+".away", secret),
		k.tells("solved", "Namespace/secure-namespace", "secure.k8s.local"),
		k.comesToGive(tour.All(k.site)...))
	k.step(ctx, "renewed all certificates: clients that know only the new ones are served",
		func(context.Context) error { return k.site.Files.Write() },
		k.tells("live in", "Secret/secure-namespace/routing changed"),
		k.comesToGive(tour.All(k.site)...))
}

func renames(from, to string) action {
	return func(context.Context) error { return os.Rename(from, to) }
}
