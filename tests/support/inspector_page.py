"""The inspector's page in a browser, as its user sees it."""

import json

from tests.support.browser import Browser, Page
from tests.support.inspector import use_link
from tests.support.servers.gateways import DevGateway

DESKTOP = (1280, 800)
PHONE = (390, 760)
ROWS = "[...document.querySelectorAll('#tree .row')]"
# Notices go after some seconds, and the test may be slow.
KEEP_NOTICES = """
window.notices = [];
const place = document.querySelector('#notice');
const keep = () => window.notices.push(place.innerText);
new MutationObserver(keep).observe(place, {childList: true});
"""


class InspectorPage:
    """A tab with the page, opened with a link from the log.

    Args:
        page: The tab.
    """

    def __init__(self, page: Page) -> None:
        self.page = page

    def wait_for_row(self, *texts: str) -> str:
        """Return the line of the tree that contains all texts, once there is one."""
        wanted = json.dumps(texts)
        found = self.page.wait_for(
            f"return {ROWS}.map((row) => row.innerText.replace(/\\n/g, ' '))"
            f".find((line) => {wanted}.every((text) => line.includes(text)))"
        )
        return str(found)

    def wait_for_notice(self, text: str) -> str:
        """Return what the page has announced, once that contains a text."""
        wanted = json.dumps(text)
        found = self.page.wait_for(
            f"return window.notices.findLast((each) => each.includes({wanted}))"
        )
        return str(found)

    def rows(self) -> list[str]:
        """Return the lines of the tree that are seen."""
        lines = self.page.run(
            f"return {ROWS}.map((row) => row.innerText.replace(/\\n/g, ' '))"
        )
        return [str(each) for each in lines]

    def select(self, *texts: str) -> str:
        """Select the line that contains all texts and return its details."""
        self.wait_for_row(*texts)
        wanted = json.dumps(texts)
        self.page.run(
            f"{ROWS}.findLast((row) => "
            f"{wanted}.every((text) => row.innerText.includes(text))).click()"
        )
        return self.page.wait_for_text("#detail", "")

    def details(self, containing: str) -> str:
        """Return the details, once they contain a text."""
        return self.page.wait_for_text("#detail", containing)

    def clear(self) -> None:
        """Forget what has happened, here and in the gateway."""
        self.page.click("#clear")
        self.page.wait_for("return !document.querySelector('[aria-busy]')")

    def show(self, view: str) -> None:
        """Show a view by the name of its panel."""
        self.page.click(f"#tab-{view}")

    def fill(self, selector: str, text: str) -> None:
        """Have a field contain a text, as if it had been typed."""
        where = json.dumps(selector)
        self.page.run(
            f"const field = document.querySelector({where}); field.value = '';"
            "field.dispatchEvent(new Event('input', {bubbles: true}));"
        )
        if text:
            self.page.type(selector, text)

    def filter(self, name: str, value: str) -> None:
        """Show only the trees that have something to do with a value."""
        self.fill(f'#filter [name="{name}"]', value)

    def press_button(self, within: str, text: str) -> None:
        """Press the button with a text."""
        self.page.run(
            f"const all = document.querySelector({json.dumps(within)})"
            ".querySelectorAll('button');"
            f"[...all].find((each) => each.innerText === {json.dumps(text)}).click()"
        )


def open_page(
    browser: Browser, gateway: DevGateway, size: tuple[int, int] = DESKTOP
) -> InspectorPage:
    """Open the page of a gateway in a tab of its own."""
    page = browser.new_page()
    page.resize(*size)
    with use_link(gateway) as link:
        page.open(link)
        page.wait_for("return !document.querySelector('#main').hidden")
        page.run(KEEP_NOTICES)
    return InspectorPage(page)
