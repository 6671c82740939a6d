// What a page would ask for that shows the events of an account, for the recipe of
// Relay in docs/FRONTEND.md.
import { graphql } from 'react-relay'

export const query = graphql`
  query RecipeQuery($id: ID!) {
    node(id: $id) {
      ... on Account {
        ...Events_account @alias
        destinations(first: 1) {
          edges {
            node {
              id
            }
          }
        }
      }
    }
  }
`
