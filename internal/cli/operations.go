package cli

// The operations of the command line. A test holds them against the schema.

const viewerQuery = `query Viewer { viewer { kind scopes account { id name } } }`

// What commands show of each kind.
const (
	accountFields     = `fragment A on Account { id name email website allowCIDRs createdAt updatedAt }`
	tokenFields       = `fragment T on Token { id accountID name prefix first scopes lastUsedAt expiresAt revokedAt createdAt }`
	destinationFields = `fragment D on Destination { id accountID name url httpMethod headers { name value } enabled state reason pausedUntil
  signingAlgorithm retrySchedule timeout giveUpAfter createdAt updatedAt }`
	eventFields    = `fragment E on Event { id accountID eventType size idempotencyKey replayID createdAt }`
	deliveryFields = `fragment L on Delivery { id accountID eventID destinationID status reason attemptCount nextAttemptAt parkedAt createdAt settledAt
  engineURL destination { name url httpMethod } event { eventType } }`
	replayFields = `fragment R on Replay { id accountID status actor reason from to statuses destinationID destinationIDs eventType rate
  matched replayed skipped deliveries createdAt finishedAt }`
)

// Lists take their pages by key: first and after.
const (
	accountList = `query Accounts($first: Int, $after: Cursor, $where: AccountWhereInput) {
  accounts(first: $first, after: $after, where: $where) { edges { node { ...A } } pageInfo { hasNextPage endCursor } } } ` + accountFields
	tokenList = `query Tokens($first: Int, $after: Cursor, $account: ID!) {
  account(id: $account) { tokens(first: $first, after: $after) { edges { node { ...T } } pageInfo { hasNextPage endCursor } } } } ` + tokenFields
	destinationList = `query Destinations($first: Int, $after: Cursor, $where: DestinationWhereInput) {
  destinations(first: $first, after: $after, where: $where) { edges { node { ...D } } pageInfo { hasNextPage endCursor } } } ` + destinationFields
	eventList = `query Events($first: Int, $after: Cursor, $where: EventWhereInput) {
  events(first: $first, after: $after, where: $where, orderBy: {field: CREATED_AT, direction: DESC}) {
    edges { node { ...E } } pageInfo { hasNextPage endCursor } } } ` + eventFields
	deliveryList = `query Deliveries($first: Int, $after: Cursor, $where: DeliveryWhereInput) {
  deliveries(first: $first, after: $after, where: $where, orderBy: {field: CREATED_AT, direction: DESC}) {
    edges { node { ...L } } pageInfo { hasNextPage endCursor } } } ` + deliveryFields
	replayList = `query Replays($first: Int, $after: Cursor, $where: ReplayWhereInput) {
  replays(first: $first, after: $after, where: $where, orderBy: {field: CREATED_AT, direction: DESC}) {
    edges { node { ...R } } pageInfo { hasNextPage endCursor } } } ` + replayFields
)

const (
	accountGet     = `query Account($id: ID!) { account(id: $id) { ...A } } ` + accountFields
	tokenGet       = `query Token($id: ID!) { node(id: $id) { ... on Token { ...T } } } ` + tokenFields
	destinationGet = `query Destination($id: ID!) { destination(id: $id) { ...D health {
  since recentSuccessRate parkedCount oldestParkedAt nextProbeAt failingSince draining } } } ` + destinationFields
	eventGet = `query Event($id: ID!) { event(id: $id) { ...E payload deliveries(first: 100) { edges { node { ...L } } } } } ` +
		eventFields + deliveryFields
	deliveryGet = `query Delivery($id: ID!) { delivery(id: $id) { ...L timeline { at kind text } attempts(first: 100) { edges { node {
  id number status errorClass startedAt durationMs askedBy } } } } } ` + deliveryFields
	replayGet = `query Replay($id: ID!) { replay(id: $id) { ...R report { pending retrying parked succeeded failed canceled } } } ` + replayFields
)

const (
	createAccount = `mutation CreateAccount($input: CreateAccountInput!) { createAccount(input: $input) { account { ...A } secretToken } } ` + accountFields
	updateAccount = `mutation UpdateAccount($input: UpdateAccountInput!) { updateAccount(input: $input) { account { ...A } } } ` + accountFields
	deleteAccount = `mutation DeleteAccount($input: DeleteAccountInput!) { deleteAccount(input: $input) { deletedID } }`

	createToken = `mutation CreateToken($input: CreateTokenInput!) { createToken(input: $input) { token { ...T } secretToken } } ` + tokenFields
	rotateToken = `mutation RotateToken($input: RotateTokenInput!) { rotateToken(input: $input) { token { ...T } secretToken } } ` + tokenFields
	revokeToken = `mutation RevokeToken($input: RevokeTokenInput!) { revokeToken(input: $input) { token { ...T } } } ` + tokenFields

	createDestination = `mutation CreateDestination($input: CreateDestinationInput!) {
  createDestination(input: $input) { destination { ...D } signingSecret } } ` + destinationFields
	updateDestination = `mutation UpdateDestination($input: UpdateDestinationInput!) { updateDestination(input: $input) { destination { ...D } } } ` +
		destinationFields
	deleteDestination   = `mutation DeleteDestination($input: DeleteDestinationInput!) { deleteDestination(input: $input) { deletedID } }`
	rotateSigningSecret = `mutation RotateSigningSecret($input: RotateSigningSecretInput!) {
  rotateSigningSecret(input: $input) { destination { ...D } signingSecret } } ` + destinationFields
	pauseDestination = `mutation PauseDestination($input: PauseDestinationInput!) { pauseDestination(input: $input) { destination { ...D } } } ` +
		destinationFields
	resumeDestination = `mutation ResumeDestination($input: ResumeDestinationInput!) { resumeDestination(input: $input) { destination { ...D } } } ` +
		destinationFields
	sendTestEvent = `mutation SendTestEvent($input: SendTestEventInput!) { sendTestEvent(input: $input) { event { ...E } delivery { ...L } } } ` +
		eventFields + deliveryFields
	previewDelivery = `mutation PreviewDelivery($input: PreviewDeliveryInput!) {
  previewDelivery(input: $input) { request { method url headers { name value } body } } }`

	retryDelivery    = `mutation RetryDelivery($input: RetryDeliveryInput!) { retryDelivery(input: $input) { delivery { ...L } } } ` + deliveryFields
	cancelDelivery   = `mutation CancelDelivery($input: CancelDeliveryInput!) { cancelDelivery(input: $input) { delivery { ...L } } } ` + deliveryFields
	postponeDelivery = `mutation PostponeDelivery($input: PostponeDeliveryInput!) { postponeDelivery(input: $input) { delivery { ...L } } } ` +
		deliveryFields

	replayEvent  = `mutation ReplayEvent($input: ReplayEventInput!) { replayEvent(input: $input) { event { ...E } } } ` + eventFields
	replayEvents = `mutation ReplayEvents($input: ReplayEventsInput!) { replayEvents(input: $input) { count replay { ...R } } } ` + replayFields
	pauseReplay  = `mutation PauseReplay($input: PauseReplayInput!) { pauseReplay(input: $input) { replay { ...R } } } ` + replayFields
	resumeReplay = `mutation ResumeReplay($input: ResumeReplayInput!) { resumeReplay(input: $input) { replay { ...R } } } ` + replayFields
	cancelReplay = `mutation CancelReplay($input: CancelReplayInput!) { cancelReplay(input: $input) { replay { ...R } } } ` + replayFields
)
