// What a page of cases asks with Relay: fragments that are fetched again by node, and lists that go on page by page.
import { graphql } from 'relay-runtime';

export const casesQuery = graphql`
  query casesQuery {
    ...casesList
    viewer {
      roles
      ...casesAlerts
    }
  }
`;

export const list = graphql`
  fragment casesList on Query
  @refetchable(queryName: "casesListPaginationQuery")
  @argumentDefinitions(count: { type: "Int", defaultValue: 7 }, cursor: { type: "String" }) {
    cases(first: $count, after: $cursor, orderBy: [{ field: NUMBER }]) @connection(key: "casesList_cases") {
      totalCount
      edges {
        node {
          ...casesRow
        }
      }
    }
  }
`;

export const row = graphql`
  fragment casesRow on Case {
    number
    openedAt
    owner {
      ... on User {
        displayName
      }
      ... on Organisation {
        name
      }
    }
    student {
      fullName
      ethnicities {
        name
      }
    }
  }
`;

export const details = graphql`
  fragment casesDetails on Case @refetchable(queryName: "casesDetailsRefetchQuery") {
    ...casesRow
    schoolContactNotes
    viewerCan {
      action
      allowed
      reason
    }
  }
`;

export const comments = graphql`
  fragment casesComments on Case
  @refetchable(queryName: "casesCommentsPaginationQuery")
  @argumentDefinitions(count: { type: "Int", defaultValue: 2 }, cursor: { type: "String" }) {
    comments(first: $count, after: $cursor) @connection(key: "casesComments_comments") {
      edges {
        node {
          body
          author {
            displayName
          }
        }
      }
    }
  }
`;

export const alerts = graphql`
  fragment casesAlerts on Viewer
  @refetchable(queryName: "casesAlertsPaginationQuery")
  @argumentDefinitions(count: { type: "Int", defaultValue: 5 }, cursor: { type: "String" }) {
    alerts(first: $count, after: $cursor) @connection(key: "casesAlerts_alerts") {
      edges {
        node {
          kind
          createdAt
        }
      }
    }
  }
`;

export const caseQuery = graphql`
  query casesCaseQuery($number: String!) {
    case(number: $number) {
      ...casesDetails
      ...casesComments
    }
  }
`;

export const addComment = graphql`
  mutation casesAddCommentMutation($input: AddCommentInput!, $connections: [ID!]!) {
    addComment(input: $input) {
      comment @prependNode(connections: $connections, edgeTypeName: "CommentEdge") {
        id
        body
      }
      problems {
        code
        message
        path
        ... on Conflict {
          currentVersion
        }
      }
    }
  }
`;

export const changes = graphql`
  subscription casesChangesSubscription($number: String!) {
    caseChanged(number: $number) {
      what
      case {
        ...casesDetails
      }
    }
  }
`;
