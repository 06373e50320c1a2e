import { FC } from 'react';
interface Props<T> { name: T; onClick(): void }
export const View: FC<Props<string>> = ({ name }) => <div onClick={() => name}>{name && <b>{name}</b>}</div>;
export default class Page extends React.Component<Props<string>> { private render() { return <View name="x" />; } }
