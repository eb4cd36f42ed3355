// The inspector's page: signs in, follows the gateway, and shows its views.

import { Activity } from "./activity.js";
import { Api, follow } from "./api.js";
import { Connections } from "./connections.js";
import { Costs } from "./costs.js";
import { find } from "./dom.js";
import { Items } from "./items.js";
import { prepareTheme } from "./settings.js";
import { Shake } from "./shake.js";
import { prepareShortcuts } from "./shortcuts.js";
import { Tabs } from "./tabs.js";
import { Topics } from "./topics.js";

const WIDE = "(min-width: 60rem)";

async function start() {
  prepareTheme();
  const api = new Api();
  // A new link pasted into this tab changes nothing but the fragment.
  addEventListener("hashchange", () => location.reload());
  try {
    await api.signIn();
  } catch (error) {
    return showEntrance("This link cannot be used", error.message);
  }
  if (!api.hasSession) {
    return showEntrance("A link is needed", "This page can publish and replay, so only you may open it.");
  }
  try {
    run(api, await api.call("state"));
  } catch (error) {
    if (error.isSignedOut) api.signOut();
    return showEntrance("This session has ended", error.message);
  }
  return undefined;
}

function run(api, state) {
  find("#main").hidden = false;
  find("#filter").open = matchMedia(WIDE).matches;
  const activity = new Activity(find("#activity"), api);
  const views = {
    connections: new Connections(find("#connections"), api, state),
    topics: new Topics(find("#topics"), api, state),
    items: new Items(find("#items"), api, state),
    shake: new Shake(find("#shake"), api, state),
    costs: new Costs(find("#costs"), api, state),
  };
  const tabs = new Tabs((name) => {
    for (const [each, view] of Object.entries(views)) if (each !== name) view.hide?.();
    views[name]?.show();
    if (name === "activity") activity.refresh();
  });
  prepareShortcuts({ tabs, activity });
  tabs.show("activity");
  describe(state);
  listen(api, activity, views, tabs);
}

function describe(state) {
  document.title = `${state.stage ?? "wspubsub"} – wspubsub inspector`;
  if (state.is_embedded === false) {
    const blind = find("#blind");
    blind.hidden = false;
    blind.textContent =
      "Calls to DynamoDB cannot be seen here: the table is elsewhere (--dynamodb).";
  }
}

async function listen(api, activity, views, tabs) {
  setStatus("live", "Live");
  try {
    await follow(api, {
      heard: (entries, dropped) => {
        activity.hear(entries, dropped);
        if (entries.length) views[tabs.current]?.heard?.(entries);
      },
      lost: (error) => {
        setStatus("lost", "Reconnecting");
        showBanner(`${error.message} This page tries again each second.`);
      },
      back: () => {
        setStatus("live", "Live");
        showBanner("");
        views[tabs.current]?.show();
      },
    });
  } catch (error) {
    api.signOut();
    setStatus("lost", "Session ended");
    showBanner(
      `${error.message} Open the link that wspubsub dev printed last; what is shown here stays until then.`,
    );
  }
}

function setStatus(state, text) {
  find("#lamp").className = `lamp ${state}`;
  find("#status-text").textContent = text;
}

function showBanner(text) {
  const banner = find("#banner");
  banner.hidden = !text;
  banner.textContent = text;
}

function showEntrance(title, text) {
  setStatus("lost", "Not signed in");
  find("#entrance").hidden = false;
  find("#tabs").hidden = true;
  find("#entrance-title").textContent = title;
  find("#entrance-text").textContent = text;
}

start();
