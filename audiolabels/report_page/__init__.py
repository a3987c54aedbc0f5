"""The report page: labels or targets to look at in a browser, in one file.

`content.py` makes plain values, which `page.py` puts into the page as JSON, beside the script that
shows them and plotly's own (extra `plots`). The page makes no request.
"""

from audiolabels.report_page.content import page_content
from audiolabels.report_page.page import write_page

__all__ = ["page_content", "write_page"]
