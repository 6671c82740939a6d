package embedded

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	persistencespb "go.temporal.io/server/api/persistence/v1"
	"go.temporal.io/server/common"
	"go.temporal.io/server/common/metrics"
	"go.temporal.io/server/common/persistence"
	"go.temporal.io/server/common/persistence/serialization"
	"go.temporal.io/server/common/persistence/sql"
	"go.temporal.io/server/common/resolver"
	"go.temporal.io/server/common/searchattribute/sadefs"
	"google.golang.org/protobuf/types/known/durationpb"
)

// ensureNamespace creates the namespace and registers the search attributes,
// as far as they are missing.
//
// It writes to the store, before the server starts, rather than asking the
// server, whose services see a change only when they next refresh their caches:
// for seconds, workflows that set the attributes would be refused.
func ensureNamespace(
	ctx context.Context, s store, name string, attributes map[string]enumspb.IndexedValueType, logger logger,
) error {
	serializer := serialization.NewSerializer()
	factory := sql.NewFactory(
		*s.main(), resolver.NewNoopResolver(), clusterName, logger, metrics.NoopMetricsHandler, serializer)
	defer factory.Close()
	metadata, err := factory.NewMetadataStore()
	if err != nil {
		return err
	}
	namespaces := persistence.NewMetadataManagerImpl(metadata, serializer, logger, clusterName)
	defer namespaces.Close()

	found, err := namespaces.GetNamespace(ctx, &persistence.GetNamespaceRequest{Name: name})
	if _, missing := errors.AsType[*serviceerror.NamespaceNotFound](err); missing {
		created := newNamespace(name)
		if created.Config.CustomSearchAttributeAliases, err = assign(nil, attributes); err != nil {
			return err
		}
		_, err = namespaces.CreateNamespace(ctx, &persistence.CreateNamespaceRequest{Namespace: created})
		return err
	}
	if err != nil {
		return err
	}

	aliases := found.Namespace.Config.CustomSearchAttributeAliases
	assigned, err := assign(aliases, attributes)
	if err != nil || len(assigned) == len(aliases) {
		return err
	}
	found.Namespace.Config.CustomSearchAttributeAliases = assigned
	found.Namespace.ConfigVersion++
	version, err := namespaces.GetMetadata(ctx)
	if err != nil {
		return err
	}
	return namespaces.UpdateNamespace(ctx, &persistence.UpdateNamespaceRequest{
		Namespace:           found.Namespace,
		IsGlobalNamespace:   found.IsGlobalNamespace,
		NotificationVersion: version.NotificationVersion,
	})
}

func newNamespace(name string) *persistencespb.NamespaceDetail {
	return &persistencespb.NamespaceDetail{
		Info: &persistencespb.NamespaceInfo{
			Id:    uuid.NewString(),
			Name:  name,
			State: enumspb.NAMESPACE_STATE_REGISTERED,
		},
		Config: &persistencespb.NamespaceConfig{
			Retention:               durationpb.New(Retention),
			HistoryArchivalState:    enumspb.ARCHIVAL_STATE_DISABLED,
			VisibilityArchivalState: enumspb.ARCHIVAL_STATE_DISABLED,
		},
		ReplicationConfig: &persistencespb.NamespaceReplicationConfig{
			ActiveClusterName: clusterName,
			Clusters:          []string{clusterName},
		},
		FailoverVersion:             common.EmptyVersion,
		FailoverNotificationVersion: -1,
	}
}

// assign gives each search attribute a column of its type: SQL stores have a
// fixed set of columns, such as KeywordList01, and a namespace says what they
// are called. What is assigned already stays.
func assign(
	aliases map[string]string, attributes map[string]enumspb.IndexedValueType,
) (map[string]string, error) {
	columns := sadefs.GetDBIndexSearchAttributes(nil).CustomSearchAttributes
	assigned := maps.Clone(aliases)
	if assigned == nil {
		assigned = map[string]string{}
	}
	taken := map[string]enumspb.IndexedValueType{}
	for column, attribute := range assigned {
		taken[attribute] = columns[column]
	}
	for _, attribute := range slices.Sorted(maps.Keys(attributes)) {
		kind := attributes[attribute]
		if is, ok := taken[attribute]; ok {
			if is != kind {
				return nil, fmt.Errorf("search attribute %s is a %s, not a %s", attribute, is, kind)
			}
			continue
		}
		free := slices.IndexFunc(slices.Sorted(maps.Keys(columns)), func(column string) bool {
			_, used := assigned[column]
			return columns[column] == kind && !used
		})
		if free < 0 {
			return nil, fmt.Errorf("no room for search attribute %s: too many of type %s", attribute, kind)
		}
		assigned[slices.Sorted(maps.Keys(columns))[free]] = attribute
	}
	return assigned, nil
}
