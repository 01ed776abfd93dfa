'use strict'

/** `viewerCan` for the roles of a school: which actions are theirs, and while a case or request stands where. */

const ACTIVE = ['PROVIDER_QUEUE', 'OPEN', 'PAUSED', 'TRANSITION']
const QUEUED = ['PROVIDER_QUEUE', 'TRANSITION']
const ALL_REQUESTS = ['DRAFT', 'SUBMITTED', 'ACCEPTED', 'DECLINED', 'WITHDRAWN']

const LEAD = 'ATTENDANCE_LEAD'
const CONTACT = 'PRIMARY_CONTACT'
const OFFICE = 'OFFICE_SUPPORT'
const QUEUE_LEAD = 'WORKFLOW_LEAD'
const MANAGER = 'CASE_MANAGER'
const ADMINISTRATOR = 'MINISTRY_ADMINISTRATOR'

const audience = (visible, own = []) => ({ visible, own, only: inWords(visible, own) })
const bothSides = audience([LEAD, CONTACT, OFFICE, QUEUE_LEAD, MANAGER])
const contactKeepers = audience([LEAD, CONTACT])
const queueLead = audience([QUEUE_LEAD])
const caseWorkers = audience([QUEUE_LEAD, MANAGER])
const transferrers = audience([QUEUE_LEAD, MANAGER, ADMINISTRATOR])
const ownRequests = audience([LEAD], [CONTACT, OFFICE])
const readers = audience([LEAD, CONTACT, QUEUE_LEAD, MANAGER], [OFFICE])

const CASE_ACTIONS = [
  ['addComment', bothSides, ACTIVE],
  ['addFile', bothSides, ACTIVE],
  ['changePrimaryContact', contactKeepers, ACTIVE],
  ['updateSchoolContactNotes', contactKeepers, ACTIVE],
  ['assignCaseManager', queueLead, ACTIVE],
  ['openCase', caseWorkers, QUEUED],
  ['pauseCase', caseWorkers, ['OPEN']],
  ['resumeCase', caseWorkers, ['PAUSED']],
  ['transferCase', transferrers, ACTIVE],
  ['closeCase', caseWorkers, ['OPEN', 'PAUSED']],
  ['reopenCase', queueLead, ['CLOSED']],
  ['addEvent', caseWorkers, ACTIVE],
  ['addTask', caseWorkers, ACTIVE],
  ['recordNeedsFund', caseWorkers, ACTIVE],
  ['addSafetyAlert', caseWorkers, ACTIVE]
]

const REQUEST_ACTIONS = [
  ['saveRequest', ownRequests, ['DRAFT']],
  ['submitRequest', ownRequests, ['DRAFT']],
  ['withdrawRequest', ownRequests, ['DRAFT', 'SUBMITTED', 'ACCEPTED']],
  ['declineRequest', queueLead, ['SUBMITTED', 'ACCEPTED']],
  ['recordNoticeGiven', readers, ALL_REQUESTS.slice(1)],
  ['addFile', readers, ['DRAFT', 'SUBMITTED', 'ACCEPTED']]
]

const STANDS = {
  PROVIDER_QUEUE: "in the provider's queue",
  OPEN: 'open',
  PAUSED: 'paused',
  TRANSITION: 'carried over and not yet opened',
  CLOSED: 'closed',
  DRAFT: 'a draft',
  SUBMITTED: 'submitted',
  ACCEPTED: 'accepted',
  DECLINED: 'declined',
  WITHDRAWN: 'withdrawn'
}

function inWords (visible, own) {
  const titles = roles => roles.map(title).join(', ')
  const sentences = [titles(visible), own.length > 0 ? `${titles(own)} on their own` : '']
  return `Only ${sentences.filter(Boolean).join('; ')} may do this.`
}

function title (role) {
  return role.toLowerCase().split('_').map(word => word[0].toUpperCase() + word.slice(1)).join(' ')
}

function listed (statuses) {
  const words = statuses.map(status => STANDS[status])
  return words.length === 1 ? words[0] : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`
}

const holds = (viewer, roles) => viewer.roles.some(role => roles.includes(role))

function allowance (action, reason) {
  return { action, allowed: reason === null, reason }
}

/** What may be done to a case, by the roles held and where it stands; kept, since there are few of either. */
const ofCases = new Map()

function onCase (viewer, { status }) {
  const key = `${viewer.roles} ${status}`
  let allowances = ofCases.get(key)
  if (allowances === undefined) {
    allowances = CASE_ACTIONS.map(([action, { visible, only }, within]) => {
      if (!holds(viewer, visible)) {
        return allowance(action, only)
      }
      const elsewhere = `The case is ${STANDS[status]}; this is possible while it is ${listed(within)}.`
      return allowance(action, within.includes(status) ? null : elsewhere)
    })
    ofCases.set(key, allowances)
  }
  return allowances
}

/** What may be done to a request; `more()` gives what is asked only of those that are no draft. */
function onRequest (viewer, request, more) {
  const own = request.createdById === viewer.userId || request.primaryContactId === viewer.userId
  const facts = request.status === 'DRAFT' ? {} : more()
  return REQUEST_ACTIONS.map(([action, { visible, own: onTheirOwn, only }, within]) =>
    holds(viewer, visible) || (own && holds(viewer, onTheirOwn))
      ? allowance(action, whyNot(action, request, facts, within))
      : allowance(action, only)
  )
}

function whyNot (action, { status, submittedAt }, { caseQueued, noticeGiven }, within) {
  if (!within.includes(status)) {
    return `The request is ${STANDS[status]}; this is possible while it is ${listed(within)}.`
  }
  if (action === 'withdrawRequest' && status !== 'DRAFT' && !caseQueued) {
    return 'Its case has been opened; a request can be withdrawn or declined only until then.'
  }
  if (action === 'recordNoticeGiven' && submittedAt === null) {
    return 'It was withdrawn as a draft: nothing of it left the school.'
  }
  if (action === 'recordNoticeGiven' && noticeGiven) {
    return 'That the notice was given is recorded already.'
  }
  return null
}

module.exports = { onCase, onRequest }
