"""A browser logs in to the web interfaces of Consul and Nomad, and sees the cluster."""

from __future__ import annotations

import base64
import hashlib
import shutil
import ssl
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from harness import LONG, Lab
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support import expected_conditions as until
from selenium.webdriver.support.wait import WebDriverWait

from bob.provision.agents import NOMAD_HTTP_PORT, consul_agent
from bob.waiting import wait_for
from inventory import NetworkName

pytestmark = pytest.mark.lab

DEADLINE = 60.0  # seconds; a page takes a few on a slow machine
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--window-size=1400,1000",
)  # fmt: skip


class Browser:
    """A headless Chromium with an empty profile that trusts the given servers' keys alone."""

    def __init__(self, profile: Path, trusted: list[str]) -> None:
        options = Options()
        options.binary_location = str(shutil.which("chromium"))
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.add_argument(f"--ignore-certificate-errors-spki-list={','.join(trusted)}")
        self.driver = webdriver.Chrome(options, Service("/usr/bin/chromedriver"))
        self.driver.set_page_load_timeout(DEADLINE)

    def open(self, url: str) -> None:
        self.driver.get(url)

    def visible(self, how: str, what: str) -> WebElement:
        """The element, as soon as it can be seen."""
        return self._wait(until.visibility_of_element_located((how, what)), what)

    def click(self, how: str, what: str) -> None:
        """Click the element as soon as that is possible."""
        self._wait(until.element_to_be_clickable((how, what)), what).click()

    def shows(self, *words: str) -> None:
        """Wait until the page shows all these words."""

        def all_there(driver: webdriver.Chrome) -> bool:
            text = driver.find_element(By.TAG_NAME, "body").text
            return all(word in text.split() for word in words)

        self._wait(all_there, " ".join(words))

    def tells(self, words: str) -> None:
        """Wait until the page has these words in a row."""
        body = (By.TAG_NAME, "body")
        self._wait(until.text_to_be_present_in_element(body, words), words)

    def _wait(self, condition, what: str):
        waiting = WebDriverWait(
            self.driver, DEADLINE, 0.1, ignored_exceptions=[StaleElementReferenceException]
        )
        return waiting.until(condition, f"{what}: not on {self.driver.current_url}")


def spki(host: str, port: int) -> str:
    """SHA-256 of a server's public key in base64, as Chromium names keys to trust."""
    pem = ssl.get_server_certificate((host, port), timeout=30)
    key = x509.load_pem_x509_certificate(pem.encode()).public_key()
    content = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


@pytest.fixture(scope="module")
def browser(cluster: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    mgmt = cluster.sandbox.node("n1").addresses["mgmt"]
    ports = (consul_agent(NetworkName.MGMT).https_port, NOMAD_HTTP_PORT)
    made = Browser(tmp_path_factory.mktemp("profile"), [spki(mgmt, port) for port in ports])
    yield made
    made.driver.quit()


def address(cluster: Lab, port: int) -> str:
    return f"https://{cluster.sandbox.node('n1').addresses['mgmt']}:{port}"


def test_consuls_interface_shows_nodes_and_services(cluster: Lab, browser: Browser) -> None:
    base = address(cluster, consul_agent(NetworkName.MGMT).https_port)
    token = cluster.bob("ui", "--token", "consul").stdout.strip()
    browser.open(f"{base}/ui/")
    browser.click(By.XPATH, "//button[@type='button'][normalize-space()='Log in']")
    browser.visible(By.CSS_SELECTOR, "input[name='auth[SecretID]']").send_keys(token)
    browser.click(By.XPATH, "//button[@type='submit'][normalize-space()='Log in']")
    browser.visible(By.LINK_TEXT, "Overview")  # only for those who may see the servers
    browser.open(f"{base}/ui/")
    browser.shows("consul", "nomad", "nomad-client")
    assert urlsplit(browser.driver.current_url).path.endswith("/services")
    browser.click(By.LINK_TEXT, "Nodes")
    browser.shows(*(node.name for node in cluster.sandbox.nodes))


def test_consuls_interface_says_what_to_do_about_a_pulled_nic(
    cluster: Lab, browser: Browser
) -> None:
    name, base = cluster.sandbox.name, address(cluster, consul_agent(NetworkName.MGMT).https_port)
    cluster.bob("sandbox", "fault", "nic", "n2", "storage", "--name", name)
    try:
        browser.open(f"{base}/ui/{name}-mgmt/nodes/n2/health-checks")
        browser.tells("nodecheck")
        browser.tells("has no link")
        browser.tells("Check the cable of")
    finally:
        cluster.bob("sandbox", "fault", "clear", "nic:n2:storage", "--name", name)
    wait_for(cluster.healthy, what="a healthy cluster again", deadline=LONG, interval=1.0)


def test_nomads_interface_shows_the_clients(cluster: Lab, browser: Browser) -> None:
    base = address(cluster, NOMAD_HTTP_PORT)
    token = cluster.bob("ui", "--token", "nomad").stdout.strip()
    browser.open(f"{base}/ui/settings/tokens")
    browser.click(By.XPATH, "//button[normalize-space()='Sign Out']")  # of the anonymous token
    browser.visible(By.ID, "token-input").send_keys(token)
    browser.click(By.XPATH, "//button[normalize-space()='Sign in with secret']")
    browser.visible(By.XPATH, "//button[normalize-space()='Sign Out']")
    browser.open(f"{base}/ui/clients")
    browser.shows("Ready", *(node.name for node in cluster.sandbox.nodes))
