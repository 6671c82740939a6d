import createAccount from "./1-create-account.graphql?raw";
import createDestination from "./2-create-destination.graphql?raw";
import sendEvent from "./3-send-event.graphql?raw";
import followEvents from "./4-follow-events.graphql?raw";
import lookUp from "./5-look-up.graphql?raw";
import createToken from "./6-create-token.graphql?raw";
import rotateSecretToken from "./7-rotate-secret-token.graphql?raw";
import watchDeliveries from "./8-watch.graphql?raw";

const all = [createAccount, createDestination, sendEvent, followEvents, lookUp, createToken, rotateSecretToken, watchDeliveries];

/** One tab for each step of the main job, in order, for the server at origin. */
export function steps(origin: string): { query: string }[] {
  return all.map((query) => ({ query: query.replaceAll("{origin}", origin) }));
}
