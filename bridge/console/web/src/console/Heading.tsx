/** A page's heading: it names the tab, and takes the focus when one comes from another page. */

import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";

let isFirstHeading = true;

interface HeadingProps {
  title: string;
  class?: string;
  children: ComponentChildren;
}

export function Heading({ title, children, class: name }: HeadingProps): JSX.Element {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · The bridge`;
  }, [title]);
  useEffect(() => {
    if (!isFirstHeading) heading.current?.focus({ preventScroll: true });
    isFirstHeading = false;
  }, []);
  return (
    <h1 ref={heading} tabIndex={-1} {...(name === undefined ? {} : { class: name })}>
      {children}
    </h1>
  );
}
